"""Callers of KMS, and their calls before anything is decided of them."""

import pytest

from skylab.services.call import Call, Principal

ROOT = "arn:aws:iam::000000000000:root"
ALICE = "arn:aws:iam::000000000000:user/alice"
ROLE = "arn:aws:iam::000000000000:role/job"
SESSION = Principal("arn:aws:sts::000000000000:assumed-role/job/one", "AROA:one", "000000000000", role=ROLE)
USER = Principal(ALICE, "AIDA", "000000000000")


@pytest.fixture
def call(cloud, clock):
    part = next(service.part for service in cloud.services if service.name == "kms")

    def by(principal):
        given = cloud.store, cloud.ids, cloud.settings, "kms", "000000000000", "us-east-1", clock.now(), principal, "R"
        return Call(*given, None, part, cloud.connect)

    return by
