"""What models, endpoint configurations and endpoints have in common: how they are found, made and refused."""

from collections.abc import Iterable, Mapping
from typing import Any

from skylab.kernel.key import Key
from skylab.kernel.store import Transaction
from skylab.services.call import Call
from skylab.services.sagemaker.common import arn
from skylab.services.sagemaker.tracking.jobs import record
from skylab.wire.errors import AwsError, invalid

WORDS = {"endpoint-config": "endpoint configuration"}


def missing(call: Call, type: str, name: str) -> AwsError:
    return invalid(f'Could not find {WORDS.get(type, type)} "{arn(call, type, name)}".')


def find(tx: Transaction, call: Call, type: str, name: str) -> dict[str, Any]:
    """Raises AwsError."""
    if (doc := tx.find(call.key(type, name))) is None:
        raise missing(call, type, name)
    return doc


def described(call: Call, type: str, name: str) -> dict[str, Any]:
    """Raises AwsError."""
    with call.reading() as tx:
        return find(tx, call, type, name)


def delete(call: Call, type: str, name: str) -> None:
    """Raises AwsError."""
    with call.writing() as tx:
        find(tx, call, type, name)
        tx.delete(call.key(type, name))


def create(tx: Transaction, call: Call, type: str, name: str, doc: dict[str, Any]) -> None:
    """Raises AwsError where the name is taken."""
    key = call.key(type, name)
    if tx.find(key) is not None:
        raise invalid(f'Cannot create already existing {WORDS.get(type, type)} "{arn(call, type, name)}".')
    tx.create(key, doc, call.now)


def refuse(given: Mapping[str, Any], names: Iterable[str]) -> None:
    """Raises AwsError for the first member that has no effect here yet."""
    for name in names:
        if given.get(name):
            raise invalid(f"{name} is not offered yet.")


def job_missing(key: Key) -> AwsError:
    return invalid(f"Could not find requested job with name: {key.name}")


def job_exists(key: Key) -> AwsError:
    return AwsError(
        "ResourceInUse",
        "Job name must be unique within an AWS account and region, and a job with this name already exists "
        f"(arn:aws:sagemaker:{key.region}:{key.account}:{key.type}/{key.name.lower()})",
    )


def stop(call: Call, type: str, name: str, kind: str) -> None:
    """Asks a job to stop. kind: Processing. Raises AwsError where it is not in progress."""
    key, status = call.key(type, name), f"{kind}JobStatus"
    with call.writing() as tx:
        doc = tx.get(key)
        if doc[status] != "InProgress":
            raise invalid(f"The request was rejected because the {kind.lower()} job is in status {doc[status]}.")
        doc |= {status: "Stopping", "LastModifiedTime": call.now}
        tx.put(key, doc, call.now)
        record(tx, key, doc, call.now)
        tx.stop(key, call.now)


def fleet_key(account: str, region: str, endpoint: str, task: str) -> Key:
    """The target of the task that deploys one configuration and keeps its replicas running."""
    return Key(account, region, "sagemaker", "fleet", f"{endpoint}/{task}")
