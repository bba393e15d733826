"""The fixtures that several tests of the gateway share."""

from gateway.person import ann  # noqa: F401  (fixture)
from gateway.recorded import caught, records  # noqa: F401  (fixtures)
from gateway.served import client, root, s3  # noqa: F401  (fixtures)
