"""What the works need of the world outside their own resource; made once by the cloud."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from skylab.compute.background import Background
from skylab.compute.environments import Environments
from skylab.compute.processes import Processes
from skylab.kernel.clock import Ids
from skylab.kernel.store import Store
from skylab.settings import Settings


@dataclass(frozen=True)
class World:
    """root: the cloud's folder. sockets: a short folder for Unix sockets (their paths are limited to 107 bytes).

    assume(service, region, role_arn, session_name, by="sagemaker.amazonaws.com", source_arn="") -> a boto3 client, in
    process, that acts as the role which the service `by` assumes. Raises AwsError (AccessDenied) where the role is not
    there or its trust policy does not let the service; ClientError from its calls, as any client does.
    as_service(principal, source_arn) -> connect(service, region) -> a boto3 client with which a service acts in its own
    name: {"Service": principal} in policies, with aws:SourceArn and aws:SourceAccount.
    endpoint: the URL at which processes reach this cloud. parts: the data planes that the services opened, by service.
    report(service, event name, account, region, resources, details): what a service did of itself, for CloudTrail.
    """

    root: Path
    sockets: Path
    store: Store
    processes: Processes
    environments: Environments
    settings: Settings
    ids: Ids
    background: Background
    assume: Callable[..., Any]
    as_service: Callable[[str, str], Callable[[str, str], Any]]
    endpoint: str
    parts: Mapping[str, dict[str, Any]]
    report: Callable[..., None]
