"""The fixtures that several tests of the gateway share."""

from gateway.person import ann  # noqa: F401  (fixture)
