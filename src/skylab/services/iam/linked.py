"""Service-linked roles: made and deleted here, changed by nobody; each has its service's trust and AWS's policy.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_aws-services-that-work-with-iam.html
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from skylab.kernel import credentials
from skylab.services.call import Call
from skylab.services.iam.names import encoded, key_of, make, no_such
from skylab.services.iam.roles import role
from skylab.wire.errors import AwsError

if TYPE_CHECKING:
    from skylab.shapes.iam import *

# service -> the name behind AWSServiceRoleFor, and the policy. Others are refused: what they may do is not known here.
SERVICES = {
    "sagemaker.amazonaws.com": ("AmazonSageMakerNotebooks", "AmazonSageMakerNotebooksServiceRolePolicy"),
    "hyperpod.sagemaker.amazonaws.com": ("SageMakerHyperPod", "AmazonSageMakerHyperPodServiceRolePolicy"),
    "sagemaker.application-autoscaling.amazonaws.com": (
        "ApplicationAutoScaling_SageMakerEndpoint",
        "AWSApplicationAutoscalingSageMakerEndpointPolicy",
    ),
    "cloudtrail.amazonaws.com": ("CloudTrail", "CloudTrailServiceRolePolicy"),
    "events.amazonaws.com": ("CloudWatchEvents", "CloudWatchEventsServiceRolePolicy"),
    "ops.apigateway.amazonaws.com": ("APIGateway", "APIGatewayServiceRolePolicy"),
}
AWS_POLICY = "arn:aws:iam::aws:policy/aws-service-role/"


class LinkedRoles:
    def create_service_linked_role(self, call: Call, request: CreateServiceLinkedRoleRequest) -> dict[str, Any]:
        service = request["AWSServiceName"]
        if service not in SERVICES:
            raise AwsError("InvalidInput", f"Service-linked roles of {service} are not supported.")
        name, policy = f"AWSServiceRoleFor{SERVICES[service][0]}", SERVICES[service][1]
        if "CustomSuffix" in request:
            raise AwsError("InvalidInput", f"Custom suffix is not allowed for {service}")
        key = key_of(call.account, "role", name)
        with call.writing() as tx:
            if tx.find(key):
                message = f"Service role name {name} has been taken in this account, please try a different suffix."
                raise AwsError("InvalidInput", message)
            doc = role(key, call.now, _members(service, request))
            doc["_"]["attached"] = [AWS_POLICY + policy]
            make(tx, key, doc, call.now)
        return {"Role": doc | {"AssumeRolePolicyDocument": encoded(doc["AssumeRolePolicyDocument"])}}

    def delete_service_linked_role(self, call: Call, request: DeleteServiceLinkedRoleRequest) -> dict[str, Any]:
        """No service here acts by such a role, so that none can be in use: it goes at once."""
        key = key_of(call.account, "role", request["RoleName"])
        with call.writing() as tx:
            doc = tx.get(key)
            if not (match := re.fullmatch("/aws-service-role/(.+)/", doc["Path"])):
                raise no_such(f"{key.name} is not a service-linked role.")
            credentials.revoke_all(tx, doc["RoleId"])
            tx.delete(key)
            task = f"task/aws-service-role/{match[1]}/{key.name}/{call.request_id}"
            tx.create(key_of(call.account, "linked-role", task), {"Status": "SUCCEEDED"}, call.now)
        return {"DeletionTaskId": task}

    def get_service_linked_role_deletion_status(
        self, call: Call, request: GetServiceLinkedRoleDeletionStatusRequest
    ) -> dict[str, Any]:
        with call.reading() as tx:
            task = tx.find(key_of(call.account, "linked-role", request["DeletionTaskId"]))
        if task is None:
            raise no_such(f"Deletion task {request['DeletionTaskId']} cannot be found.")
        return task


def _members(service: str, request: Any) -> dict[str, Any]:
    trust = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}],
    }
    members = {"Path": f"/aws-service-role/{service}/", "AssumeRolePolicyDocument": json.dumps(trust)}
    return members | {member: request[member] for member in ("Description",) if member in request}
