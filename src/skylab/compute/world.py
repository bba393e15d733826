"""What the works need of the world outside their own resource; made once by the cloud."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from skylab.compute.background import Background
from skylab.compute.processes import Processes
from skylab.kernel.clock import Ids
from skylab.kernel.store import Store
from skylab.settings import Settings


@dataclass(frozen=True)
class World:
    """root: the cloud's folder. sockets: a short folder for Unix sockets (their paths are limited to 107 bytes).

    assume(service, region, role_arn, session_name) -> a boto3 client, in process, that acts as the role. Raises
    ClientError from its calls, as any client does. endpoint: the URL at which processes reach this cloud.
    as_service(principal, source_arn) -> connect(service, region): clients of an AWS service that acts in its own name
    ("cloudtrail.amazonaws.com") on behalf of a resource. parts: the data planes that the services opened, by service.
    report(service, event name, account, region, resources, details): what a service did of itself, for CloudTrail.
    """

    root: Path
    sockets: Path
    store: Store
    processes: Processes
    settings: Settings
    ids: Ids
    background: Background
    assume: Callable[[str, str, str, str], Any]
    endpoint: str
    as_service: Callable[[str, str], Callable[[str, str], Any]]
    parts: Mapping[str, dict[str, Any]]
    report: Callable[..., None]
