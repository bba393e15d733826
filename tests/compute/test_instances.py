"""Instance types: processors, memory, price."""

import pytest

from skylab.compute.instances import EVEN, SPOT_SHARE, UNEVEN, Instance, billable, cost, instance


@pytest.mark.parametrize(
    ("type", "vcpus", "memory", "price", "gpus"),
    [
        ("ml.t3.medium", 2, 4, 0.05, 0),
        ("ml.t3.large", 2, 8, 0.1, 0),
        ("ml.t3.2xlarge", 8, 32, 0.399, 0),
        ("ml.m5.large", 2, 8, 0.115, 0),
        ("ml.m5.xlarge", 4, 16, 0.23, 0),
        ("ml.m5.24xlarge", 96, 384, 5.53, 0),
        ("ml.m5d.4xlarge", 16, 64, 1.085, 0),
        ("ml.m6i.32xlarge", 128, 512, 7.373, 0),
        ("ml.m7i.48xlarge", 192, 768, 11.612, 0),
        ("ml.c4.xlarge", 4, 7.5, 0.239, 0),
        ("ml.c4.8xlarge", 36, 60, 1.909, 0),
        ("ml.c5.18xlarge", 72, 144, 3.672, 0),
        ("ml.c6i.large", 2, 4, 0.102, 0),
        ("ml.c7i.24xlarge", 96, 192, 5.141, 0),
        ("ml.r5.24xlarge", 96, 768, 7.258, 0),
        ("ml.r6i.32xlarge", 128, 1024, 9.677, 0),
        ("ml.r7i.48xlarge", 192, 1536, 15.241, 0),
        ("ml.p3.2xlarge", 8, 61, 3.825, 1),
        ("ml.g5.12xlarge", 48, 192, 7.09, 4),
    ],
)
def test_a_known_type_is_as_amazon_lists_it(type, vcpus, memory, price, gpus):
    assert instance(type) == Instance(type, vcpus, memory, price, gpus)


@pytest.mark.parametrize("type", ["ml.m9z.large", "ml.m5.3xlarge", "ml.m5", "m5.", "", "ml.c4.16xlarge"])
def test_an_unknown_type_has_no_facts_and_no_cost(type):
    assert instance(type) == Instance(type)
    assert cost(type, 60, 1) is None


@pytest.mark.parametrize("type", [f"{f}.{s}" for f, (_, _, sizes) in EVEN.items() for s in sizes.split()] + [*UNEVEN])
def test_every_type_has_processors_and_memory(type):
    assert instance(f"ml.{type}").vcpus >= 2
    assert instance(f"ml.{type}").memory >= 3.75


def test_a_job_costs_its_instances_for_its_seconds_and_spot_is_less():
    assert cost("ml.m5.xlarge", 1800, 2) == pytest.approx(0.23)
    assert cost("ml.m5.xlarge", billable(1800, spot=True), 2) == pytest.approx(0.23 * SPOT_SHARE)
