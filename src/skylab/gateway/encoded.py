"""EC2 says why it denies in a message that only who may sts:DecodeAuthorizationMessage reads.

https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/troubleshoot-iam.html
"""

from collections.abc import Iterable

from skylab.gateway.authorisation import Authorisation
from skylab.kernel.sealed import message
from skylab.kernel.vault import Vault
from skylab.services.access import Need
from skylab.services.call import Call
from skylab.wire.errors import AwsError

TELLS = {"ec2"}


def demand(authorisation: Authorisation, vault: Vault, call: Call, needs: Iterable[Need]) -> None:
    """Raises AwsError unless the caller may do all of it, in the words of the service."""
    for need in needs:
        try:
            authorisation.demand(call, need, {})
        except AwsError as denial:
            raise (_told(vault, call, need, denial) if call.service in TELLS else denial) from None


def _told(vault: Vault, call: Call, need: Need, denial: AwsError) -> AwsError:
    who = call.principal
    sealed = message(
        vault,
        who.account,
        principal={"id": who.id, "name": who.arn.rpartition("/")[2], "arn": who.arn},
        action=need.action,
        resource=next(need.resources(call, {})),
        conditions={"aws:RequestedRegion": [call.region]},
        explicit="explicit deny" in denial.message,
    )
    words = (
        f"You are not authorized to perform this operation. {denial.message}. Encoded authorization failure message: "
    )
    return AwsError("UnauthorizedOperation", words + sealed, 403)
