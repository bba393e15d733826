"""The policy of a repository, which IAM's evaluation asks for (access.py)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from skylab.policy.document import Malformed, parse
from skylab.services.call import Call
from skylab.services.ecr import words
from skylab.services.ecr.repositories import TYPE, own
from skylab.wire.errors import AwsError

if TYPE_CHECKING:
    from skylab.shapes.ecr import *


class Policies:
    def set_repository_policy(self, call: Call, request: SetRepositoryPolicyRequest) -> dict[str, Any]:
        own(call, request)
        name, text = request["repositoryName"], request["policyText"]
        try:
            parse(text)
        except Malformed as problem:
            raise words.invalid(
                f"Invalid parameter at 'PolicyText' failed to satisfy constraint: 'Invalid repository policy provided: "
                f"{problem}'"
            ) from None
        with call.writing() as tx:
            key = call.key(TYPE, name)
            doc = tx.get(key)
            tx.put(key, doc | {"_": doc["_"] | {"policy": text}}, call.now)
        return {"registryId": call.account, "repositoryName": name, "policyText": text}

    def get_repository_policy(self, call: Call, request: GetRepositoryPolicyRequest) -> dict[str, Any]:
        own(call, request)
        name = request["repositoryName"]
        with call.reading() as tx:
            text = _policy(call, tx.get(call.key(TYPE, name)))
        return {"registryId": call.account, "repositoryName": name, "policyText": text}

    def delete_repository_policy(self, call: Call, request: DeleteRepositoryPolicyRequest) -> dict[str, Any]:
        own(call, request)
        name = request["repositoryName"]
        with call.writing() as tx:
            doc = tx.get(call.key(TYPE, name))
            text = _policy(call, doc)
            tx.put(call.key(TYPE, name), doc | {"_": {"tags": doc["_"]["tags"]}}, call.now)
        return {"registryId": call.account, "repositoryName": name, "policyText": text}


def _policy(call: Call, doc: dict[str, Any]) -> str:
    if "policy" not in doc["_"]:
        raise AwsError(
            "RepositoryPolicyNotFoundException",
            f"Repository policy does not exist for the repository with name '{doc['repositoryName']}' in the registry "
            f"with id '{call.account}'",
        )
    text: str = doc["_"]["policy"]
    return text
