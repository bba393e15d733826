"""What IAM's operations need.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from skylab.kernel import credentials
from skylab.services.access import Entry, Need, Parameters, Source, tag_map
from skylab.services.call import Call
from skylab.services.iam.names import NAMED, Kind, key_of

On = Callable[[Call, Parameters], str]


def there(kind: Kind) -> On:
    """The ARN of a role or user that is there, with its path; who names no user means itself."""

    def arn(call: Call, parameters: Parameters) -> str:
        name = parameters.get(NAMED[kind])
        if name is None:
            return call.principal.arn
        doc = _document(call, kind, name)
        return doc.get("Arn") or f"arn:aws:iam::{call.account}:{kind}/{name}"

    return arn


def new(kind: Kind) -> On:
    """The ARN that something will have."""

    def arn(call: Call, parameters: Parameters) -> str:
        return f"arn:aws:iam::{call.account}:{kind}{parameters.get('Path', '/')}{parameters[NAMED[kind]]}"

    return arn


def renamed(call: Call, parameters: Parameters) -> list[str]:
    """The user under its old name and under its new one."""
    old = there("user")(call, parameters)
    if not {"NewUserName", "NewPath"} & set(parameters):
        return [old]
    path = parameters.get("NewPath") or old.partition(":user")[2].rpartition("/")[0] + "/"
    return [old, f"arn:aws:iam::{call.account}:user{path}{parameters.get('NewUserName', parameters['UserName'])}"]


def boundary(kind: Kind) -> Source:
    """The permissions boundary that a role or user has now."""

    def found(call: Call, parameters: Parameters) -> str | None:
        doc = _document(call, kind, parameters.get(NAMED[kind], ""))
        arn: str | None = doc.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn")
        return arn

    return found


def _document(call: Call, kind: Kind, name: str) -> dict[str, Any]:
    with call.reading() as tx:
        return tx.find(key_of(call.account, kind, name)) or {}


def renamed_group(call: Call, parameters: Parameters) -> list[str]:
    old = there("group")(call, parameters)
    if not {"NewGroupName", "NewPath"} & set(parameters):
        return [old]
    path = parameters.get("NewPath") or old.partition(":group")[2].rpartition("/")[0] + "/"
    return [old, f"arn:aws:iam::{call.account}:group{path}{parameters.get('NewGroupName', parameters['GroupName'])}"]


def issuer(call: Call, parameters: Parameters) -> str:
    return f"arn:aws:iam::{call.account}:oidc-provider/{parameters['Url'].partition('://')[2].rstrip('/')}"


def owner(call: Call, parameters: Parameters) -> str:
    """The user an access key belongs to; of a key that nobody has, any."""
    with call.reading() as tx:
        key = credentials.find(tx, parameters["AccessKeyId"])
    return key.principal["arn"] if key else f"arn:aws:iam::{call.account}:user/*"


def deletion(call: Call, parameters: Parameters) -> str:
    """The service-linked role whose deletion is asked after: task/aws-service-role/service/name/id."""
    return f"arn:aws:iam::{call.account}:role/{parameters['DeletionTaskId'].removeprefix('task/').rpartition('/')[0]}"


ROLE, USER, POLICY = there("role"), there("user"), "{PolicyArn}"
GROUP, PROFILE, PROVIDER = there("group"), there("instance-profile"), "{OpenIDConnectProviderArn}"
ROLE_BOUNDARY: dict[str, Source] = {"iam:PermissionsBoundary": boundary("role")}
USER_BOUNDARY: dict[str, Source] = {"iam:PermissionsBoundary": boundary("user")}
NEW_BOUNDARY: dict[str, Source] = {"iam:PermissionsBoundary": "PermissionsBoundary"}
THE_POLICY: dict[str, Source] = {"iam:PolicyARN": "PolicyArn"}


def entries(
    operations: str,
    on: str | On | Callable[[Call, Parameters], list[str]] = "*",
    keys: Mapping[str, Source] | None = None,
    **more: Any,
) -> Any:
    """The same entry for several operations, each with the action of its name."""
    return {name: (Need(f"iam:{name}", on, keys or {}, **more),) for name in operations.split()}


ACCESS: dict[str, Entry] = {
    **entries("ListRoles ListUsers ListPolicies"),
    # roles
    **entries("CreateRole", new("role"), NEW_BOUNDARY, tags="Tags"),
    **entries("GetRole DeleteRole UpdateRole UpdateRoleDescription UpdateAssumeRolePolicy", ROLE, ROLE_BOUNDARY),
    **entries("PutRolePolicy DeleteRolePolicy DeleteRolePermissionsBoundary", ROLE, ROLE_BOUNDARY),
    **entries("PutRolePermissionsBoundary", ROLE, NEW_BOUNDARY),
    **entries("AttachRolePolicy DetachRolePolicy", ROLE, ROLE_BOUNDARY | THE_POLICY),
    **entries("GetRolePolicy ListRolePolicies ListAttachedRolePolicies ListRoleTags", ROLE),
    **entries("TagRole", ROLE, tags="Tags"),
    **entries("UntagRole", ROLE, untags="TagKeys"),
    # users
    **entries("CreateUser", new("user"), NEW_BOUNDARY, tags="Tags"),
    **entries("GetUser DeleteUser", USER),
    **entries("UpdateUser", renamed),
    **entries("PutUserPolicy DeleteUserPolicy DeleteUserPermissionsBoundary", USER, USER_BOUNDARY),
    **entries("PutUserPermissionsBoundary", USER, NEW_BOUNDARY),
    **entries("AttachUserPolicy DetachUserPolicy", USER, USER_BOUNDARY | THE_POLICY),
    **entries("GetUserPolicy ListUserPolicies ListAttachedUserPolicies ListUserTags", USER),
    **entries("TagUser", USER, tags="Tags"),
    **entries("UntagUser", USER, untags="TagKeys"),
    **entries("CreateAccessKey DeleteAccessKey ListAccessKeys UpdateAccessKey", USER),
    **entries("GetLoginProfile DeleteLoginProfile ListSigningCertificates ListSSHPublicKeys", USER),
    **entries("ListServiceSpecificCredentials", USER),
    **entries("GetAccessKeyLastUsed", owner),
    # groups
    **entries("ListGroups"),
    **entries("CreateGroup", new("group")),
    **entries("GetGroup DeleteGroup AddUserToGroup RemoveUserFromGroup", GROUP),
    **entries("UpdateGroup", renamed_group),
    **entries("PutGroupPolicy DeleteGroupPolicy GetGroupPolicy ListGroupPolicies ListAttachedGroupPolicies", GROUP),
    **entries("AttachGroupPolicy DetachGroupPolicy", GROUP, THE_POLICY),
    **entries("ListGroupsForUser", USER),
    # instance profiles
    **entries("ListInstanceProfiles"),
    **entries("CreateInstanceProfile", new("instance-profile"), tags="Tags"),
    **entries("GetInstanceProfile DeleteInstanceProfile ListInstanceProfileTags", PROFILE),
    **entries("RemoveRoleFromInstanceProfile", PROFILE),
    "AddRoleToInstanceProfile": (
        Need("iam:AddRoleToInstanceProfile", PROFILE),
        Need("iam:PassRole", ROLE, {"iam:PassedToService": lambda call, parameters: "ec2.amazonaws.com"}),
    ),
    **entries("TagInstanceProfile", PROFILE, tags="Tags"),
    **entries("UntagInstanceProfile", PROFILE, untags="TagKeys"),
    **entries("ListInstanceProfilesForRole", ROLE),
    # service-linked roles
    **entries(
        "CreateServiceLinkedRole",
        "arn:aws:iam::{account}:role/aws-service-role/{AWSServiceName}/*",
        {"iam:AWSServiceName": "AWSServiceName"},
    ),
    **entries("DeleteServiceLinkedRole", ROLE),
    **entries("GetServiceLinkedRoleDeletionStatus", deletion),
    # identity providers
    **entries("ListOpenIDConnectProviders"),
    **entries("CreateOpenIDConnectProvider", issuer, tags="Tags"),
    **entries("GetOpenIDConnectProvider DeleteOpenIDConnectProvider ListOpenIDConnectProviderTags", PROVIDER),
    **entries("AddClientIDToOpenIDConnectProvider RemoveClientIDFromOpenIDConnectProvider", PROVIDER),
    **entries("UpdateOpenIDConnectProviderThumbprint", PROVIDER),
    **entries("TagOpenIDConnectProvider", PROVIDER, tags="Tags"),
    **entries("UntagOpenIDConnectProvider", PROVIDER, untags="TagKeys"),
    # MFA devices
    **entries("ListVirtualMFADevices"),
    **entries("CreateVirtualMFADevice", "arn:aws:iam::{account}:mfa/{VirtualMFADeviceName}", tags="Tags"),
    **entries("DeleteVirtualMFADevice ListMFADeviceTags", "{SerialNumber}"),
    **entries("TagMFADevice", "{SerialNumber}", tags="Tags"),
    **entries("UntagMFADevice", "{SerialNumber}", untags="TagKeys"),
    **entries("EnableMFADevice DeactivateMFADevice GetMFADevice ResyncMFADevice ListMFADevices", USER),
    # the account
    **entries("CreateAccountAlias DeleteAccountAlias ListAccountAliases"),
    **entries("GetAccountSummary GetAccountAuthorizationDetails"),
    # simulations
    **entries("SimulateCustomPolicy GetContextKeysForCustomPolicy"),
    **entries("SimulatePrincipalPolicy GetContextKeysForPrincipalPolicy", "{PolicySourceArn}"),
    # managed policies
    **entries("CreatePolicy", new("policy"), tags="Tags"),
    **entries("GetPolicy GetPolicyVersion DeletePolicy ListPolicyVersions ListEntitiesForPolicy", POLICY),
    **entries("CreatePolicyVersion DeletePolicyVersion SetDefaultPolicyVersion ListPolicyTags", POLICY),
    **entries("TagPolicy", POLICY, tags="Tags"),
    **entries("UntagPolicy", POLICY, untags="TagKeys"),
}


def resource_tags(call: Call, arn: str) -> Mapping[str, str]:
    """Of a role, user or policy of whatever account."""
    parts = arn.split(":")
    if len(parts) != 6:
        return {}
    kind, _, name = parts[5].partition("/")
    if kind not in NAMED:
        return {}
    with call.reading() as tx:
        doc = tx.find(key_of(parts[4], kind, name.rpartition("/")[2])) or {}  # type: ignore[arg-type]  # kind is one
    return tag_map(doc.get("Tags"))
