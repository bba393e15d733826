"""What ECR's operations need.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerregistry.html
"""

from __future__ import annotations

from collections.abc import Mapping

from skylab.services.access import Entry, Need, Parameters
from skylab.services.call import Call

REPOSITORY = "arn:aws:ecr:{region}:{account}:repository/{repositoryName}"
ON_ONE = (
    "DeleteRepository PutImageTagMutability PutImage DescribeImages ListImages BatchGetImage BatchDeleteImage "
    "SetRepositoryPolicy GetRepositoryPolicy DeleteRepositoryPolicy"
).split()


def described(call: Call, parameters: Parameters) -> list[str]:
    head = f"arn:aws:ecr:{call.region}:{call.account}:repository/"
    return [head + name for name in parameters.get("repositoryNames", ["*"])]


ACCESS: dict[str, Entry] = {
    "CreateRepository": (
        Need("ecr:CreateRepository", REPOSITORY, tags="tags"),
        Need("ecr:TagResource", REPOSITORY, tags="tags", when="tags"),
    ),
    "DescribeRepositories": (Need("ecr:DescribeRepositories", described),),
    "TagResource": (Need("ecr:TagResource", "{resourceArn}", tags="tags"),),
    "UntagResource": (Need("ecr:UntagResource", "{resourceArn}", untags="tagKeys"),),
    "ListTagsForResource": (Need("ecr:ListTagsForResource", "{resourceArn}"),),
    **{name: (Need(f"ecr:{name}", REPOSITORY),) for name in ON_ONE},
}


def _private(call: Call, arn: str) -> Mapping[str, object]:
    with call.reading() as tx:
        region, account, name = arn.split(":", 5)[3:]
        key = call.key("repository", name.removeprefix("repository/"))
        doc = tx.find(key._replace(account=account, region=region, service="ecr"))
    return {} if doc is None else doc["_"]


def resource_policy(call: Call, arn: str) -> str | None:
    policy = _private(call, arn).get("policy")
    return policy if isinstance(policy, str) else None


def resource_tags(call: Call, arn: str) -> Mapping[str, str]:
    tags = _private(call, arn).get("tags")
    return tags if isinstance(tags, dict) else {}
