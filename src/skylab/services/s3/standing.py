"""What a bucket itself says of who comes to it: whose it is, and its policy.

A table of access has them as resource_owner and resource_policy: see services/access.py.
"""

from skylab.kernel.key import Key
from skylab.services.call import Call
from skylab.services.s3.common import bucket_key, no_bucket

CANDIDATE = "candidate"  # in call.part: a policy that is to be the bucket's, asked in the place of the one that is
_OF_BUCKET = "from resource where (account, region, service, type, name) = (?, ?, ?, ?, ?)"
OWNER = f"select doc ->> '$._owner' {_OF_BUCKET}"
POLICY = f"""
select doc ->> '$._policy.text', doc ->> '$._policy.public' and doc ->> '$._block.RestrictPublicBuckets',
doc ->> '$._owner' {_OF_BUCKET}"""


def resource_owner(call: Call, arn: str) -> str | None:
    """NoSuchBucket for who comes without an account whose policies could be asked: unsigned, or a service."""
    if arn == "*":
        return None
    row = call.store.look(OWNER, _key(arn))
    if row is None and call.principal.type in ("Anonymous", "AWSService"):
        raise no_bucket(_key(arn).name)
    return row[0] if row else None


def resource_policy(call: Call, arn: str) -> str | None:
    """A public policy of a restricted bucket is one for its owner's account, and for services, only."""
    if CANDIDATE in call.part:
        return str(call.part[CANDIDATE])
    text, restricted, owner = call.store.look(POLICY, _key(arn)) or (None, None, None)
    if restricted and call.principal.type != "AWSService" and call.principal.account != owner:
        return None
    return text


def _key(arn: str) -> Key:
    return bucket_key(arn.removeprefix("arn:aws:s3:::").partition("/")[0])
