"""Clients that act as a pipeline's role in a step's session, kept while the step is likely to need them again.

To make one takes longer than to use it: from one job's end to the next's start this is most of the time.
"""

from datetime import datetime, timedelta
from typing import Any

from skylab.compute.world import World

KEPT = 64
FRESH = timedelta(hours=1)  # of the twelve for which its credentials are good


class Clients:
    def __init__(self, world: World) -> None:
        self.world = world
        self._made: dict[tuple[str, str, str, str], tuple[Any, datetime]] = {}

    def get(self, service: str, region: str, role: str, session: str, now: datetime) -> Any:
        """Raises AwsError where the role cannot be assumed."""
        key = service, region, role, session
        client, made = self._made.get(key, (None, now))
        if client is None or now - made > FRESH:
            client = self.world.assume(service, region, role, session)
            for old in list(self._made)[: max(0, len(self._made) - KEPT + 1)]:
                self._made.pop(old, None)
            self._made[key] = client, now
        return client
