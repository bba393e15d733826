"""The fixtures that several tests of IAM share."""

from services.iam.asked import iam  # noqa: F401  (fixture)
