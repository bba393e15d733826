"""What became of a deployment: its action follows the endpoint until the deployment has ended."""

from datetime import datetime

from skylab.compute.world import World
from skylab.kernel.store import Task

LOOK = 1.0  # seconds
UNDER_WAY = ("Creating", "Updating", "SystemUpdating", "RollingBack")


class Deployment:
    def __init__(self, world: World) -> None:
        self.world = world

    def advance(self, task: Task, now: datetime) -> float | None:
        """An endpoint that serves another configuration than this one has failed to take it, or was given the next."""
        with self.world.store.writing() as tx:
            endpoint = tx.find(task.target._replace(type="endpoint", name=task.data["endpoint"]))
            status = endpoint["EndpointStatus"] if endpoint else "Deleted"
            if status in UNDER_WAY:
                return LOOK
            well = status == "InService" and endpoint and endpoint["EndpointConfigName"] == task.data["config"]
            if (doc := tx.find(task.target)) is not None and doc.get("Status") == "InProgress":
                tx.update(task.target, now, Status="Completed" if well else "Failed")
            tx.move(task.id, "ended")
        return None
