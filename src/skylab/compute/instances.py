"""What an instance type stands for: processors, memory, and what an hour of training on it costs.

Most families grow evenly: twice the size is twice the processors, memory and price, so a family is one line. Prices are
USD per hour in us-east-1, on demand, as listed under "Training" on https://aws.amazon.com/sagemaker/pricing/. They were
not read from that page itself: t3, m5, m5d, m6i, m7i, c5, c6i, c7i, r5, r6i, r7i, g4dn, g5, g6, g6e, p4d, p4de, p5,
trn1 and inf2 agree with a published table that says it read them there on 2026-09-27; the other families are from
memory of the page, checked: no. A bill is therefore an estimate. Processors and memory are EC2's.
"""

from dataclasses import dataclass

HOUR = 3600
SPOT_SHARE = (
    0.3  # of the price on demand: AWS says "up to 90 % less", and 70 % is what its examples show; an assumption
)

SIZES = {"large": 0.5, "xlarge": 1}  # in units of xlarge; Nxlarge is N


@dataclass(frozen=True)
class Instance:
    """None: not known. memory in GiB, price in USD per hour."""

    type: str
    vcpus: int | None = None
    memory: float | None = None
    price: float | None = None
    gpus: int | None = None


# family: (GiB per vCPU, USD per hour of an xlarge, sizes); an xlarge has 4 vCPUs
EVEN = {
    "t3": (4, 0.19968, "large xlarge 2xlarge"),
    "m4": (4, 0.24, "xlarge 2xlarge 4xlarge 10xlarge 16xlarge"),
    "m5": (4, 0.2304, "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge"),
    "m5d": (4, 0.2712, "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge"),
    "m6i": (4, 0.2304, "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 32xlarge"),
    "m7i": (4, 0.24192, "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 48xlarge"),
    "c4": (1.875, 0.2388, "large xlarge 2xlarge 4xlarge"),
    "c5": (2, 0.204, "large xlarge 2xlarge 4xlarge 9xlarge 12xlarge 18xlarge 24xlarge"),
    "c5d": (2, 0.2304, "large xlarge 2xlarge 4xlarge 9xlarge 18xlarge"),
    "c6i": (2, 0.204, "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 32xlarge"),
    "c7i": (2, 0.2142, "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 48xlarge"),
    "r5": (8, 0.3024, "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge"),
    "r5d": (8, 0.3456, "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge"),
    "r6i": (8, 0.3024, "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 32xlarge"),
    "r7i": (8, 0.31752, "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 48xlarge"),
}

# type: (vCPUs, GiB, USD per hour, GPUs or accelerator chips)
UNEVEN: dict[str, tuple[int, float, float | None, int]] = {
    "t3.medium": (2, 4, 0.05, 0),
    "c4.8xlarge": (36, 60, 1.909, 0),
    "p2.xlarge": (4, 61, 1.125, 1),
    "p3.2xlarge": (8, 61, 3.825, 1),
    "p3.8xlarge": (32, 244, 14.688, 4),
    "p3.16xlarge": (64, 488, 28.152, 8),
    "p3dn.24xlarge": (96, 768, 35.894, 8),
    "p4d.24xlarge": (96, 1152, 25.2513, 8),
    "p4de.24xlarge": (96, 1152, 31.5641, 8),
    "p5.4xlarge": (16, 256, 7.912, 1),
    "p5.48xlarge": (192, 2048, 63.296, 8),
    "p5e.48xlarge": (192, 2048, None, 8),
    "p5en.48xlarge": (192, 2048, None, 8),
    "g4dn.xlarge": (4, 16, 0.7364, 1),
    "g4dn.2xlarge": (8, 32, 0.94, 1),
    "g4dn.4xlarge": (16, 64, 1.505, 1),
    "g4dn.8xlarge": (32, 128, 2.72, 1),
    "g4dn.12xlarge": (48, 192, 4.89, 4),
    "g4dn.16xlarge": (64, 256, 5.44, 1),
    "g5.xlarge": (4, 16, 1.41, 1),
    "g5.2xlarge": (8, 32, 1.52, 1),
    "g5.4xlarge": (16, 64, 2.03, 1),
    "g5.8xlarge": (32, 128, 3.06, 1),
    "g5.12xlarge": (48, 192, 7.09, 4),
    "g5.16xlarge": (64, 256, 5.12, 1),
    "g5.24xlarge": (96, 384, 10.18, 4),
    "g5.48xlarge": (192, 768, 20.36, 8),
    "g6.xlarge": (4, 16, 1.127, 1),
    "g6.2xlarge": (8, 32, 1.222, 1),
    "g6.4xlarge": (16, 64, 1.654, 1),
    "g6.8xlarge": (32, 128, 2.518, 1),
    "g6.12xlarge": (48, 192, 5.752, 4),
    "g6.16xlarge": (64, 256, 4.246, 1),
    "g6.24xlarge": (96, 384, 8.344, 4),
    "g6.48xlarge": (192, 768, 16.688, 8),
    "g6e.xlarge": (4, 32, 2.61, 1),
    "g6e.2xlarge": (8, 64, 2.8, 1),
    "g6e.4xlarge": (16, 128, 3.76, 1),
    "g6e.8xlarge": (32, 256, 5.66, 1),
    "g6e.12xlarge": (48, 384, 13.12, 4),
    "g6e.16xlarge": (64, 512, 9.47, 1),
    "g6e.24xlarge": (96, 768, 18.83, 4),
    "g6e.48xlarge": (192, 1536, 37.66, 8),
    "inf1.xlarge": (4, 8, 0.297, 0),
    "inf1.2xlarge": (8, 16, 0.489, 0),
    "inf1.6xlarge": (24, 48, 1.532, 0),
    "inf1.24xlarge": (96, 192, 6.128, 0),
    "inf2.xlarge": (4, 16, 0.99, 0),
    "inf2.8xlarge": (32, 128, 2.36, 0),
    "inf2.24xlarge": (96, 384, 7.79, 0),
    "inf2.48xlarge": (192, 768, 15.58, 0),
    "trn1.2xlarge": (8, 32, 1.54, 0),
    "trn1.32xlarge": (128, 512, 24.73, 0),
    "trn1n.32xlarge": (128, 512, None, 0),
    "trn2.48xlarge": (192, 2048, None, 0),
}


def instance(type: str) -> Instance:
    """Of "ml.m5.xlarge". A type that is not in the tables is not refused: its fields are None."""
    name = type.removeprefix("ml.")
    if known := UNEVEN.get(name):
        vcpus, memory, price, gpus = known
        return Instance(type, vcpus, memory, price, gpus)
    family, _, size = name.partition(".")
    if family not in EVEN or size not in EVEN[family][2].split():
        return Instance(type)
    share, price, _ = EVEN[family]
    units = SIZES.get(size) or int(size.removesuffix("xlarge"))
    vcpus = int(4 * units)
    return Instance(type, vcpus, vcpus * share, round(price * units, 3), 0)


def billable(seconds: float, spot: bool) -> float:
    """The seconds that are paid of those that an instance was used: Spot is cheaper, and AWS says so in seconds, since
    (1 - BillableTimeInSeconds / TrainingTimeInSeconds) is what was saved. Spot prices move; SPOT_SHARE does not."""
    return seconds * SPOT_SHARE if spot else seconds


def cost(type: str, seconds: float, count: int) -> float | None:
    """USD for so many instances over so many billable seconds; None where the price is not known."""
    price = instance(type).price
    return None if price is None else price * count * seconds / HOUR
