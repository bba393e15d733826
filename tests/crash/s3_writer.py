"""Writes to an S3 and kills itself before its nth effect, for every n: `python s3_writer.py ROOT DURABILITY`.

Each n has a folder of its own under ROOT; the file acks in it tells the steps that were answered.
"""

import asyncio
import base64
import hashlib
import inspect
import itertools
import json
import os
import signal
import sys
from pathlib import Path

from skylab.kernel.clock import RandomIds, TestClock
from skylab.kernel.store import Store
from skylab.kernel.vault import Vault
from skylab.services import s3
from skylab.services.call import Call, Principal
from skylab.settings import Settings
from skylab.wire.http import HttpRequest

ACCOUNT = "000000000000"
PART = bytes(range(256)) * (5 * 4096)  # 5 MiB
MD5_OF_NOTHING = "1B2M2Y8AsgTpgAmY7PhCfg=="
EFFECTS = ("write", "rename", "unlink", "copy_file_range", "fsync")


CUSTOMER = {
    "SSECustomerAlgorithm": "AES256", "SSECustomerKey": base64.b64encode(bytes(32)).decode(),
    "SSECustomerKeyMD5": base64.b64encode(hashlib.md5(bytes(32)).digest()).decode(),
}  # fmt: skip
KMS = {"ServerSideEncryption": "aws:kms"}


class Kms:
    """A KMS of one key, which is no secret."""

    vault = Vault(bytes(32))

    def generate_data_key(KeyId, KeySpec, EncryptionContext):
        plain = os.urandom(32)
        return {"Plaintext": plain, "CiphertextBlob": Kms.vault.seal(plain, b""), "KeyId": "arn:aws:kms:::key/1"}

    def decrypt(CiphertextBlob, KeyId, EncryptionContext):
        return {"Plaintext": Kms.vault.unseal(CiphertextBlob, b"")}


async def whole(answer):
    """An answer, and its body to the end."""
    if not isinstance(body := (result := await answer).get("Body", b""), bytes):
        result["Body"] = b"".join([bytes(piece) async for piece in body])
    return result


class Opened:
    def __init__(self, root, durability="kill"):
        self.clock, self.ids, self.settings = TestClock(), RandomIds(), Settings(durability=durability)
        self.store = Store(root / "state.db", durability)
        self.part = s3.open(root, self.settings, self.clock)

    def do(self, operation, **request):
        method = next(getattr(r(), operation) for r in s3.RESOURCES if hasattr(r, operation))
        who = Principal(f"arn:aws:iam::{ACCOUNT}:root", ACCOUNT, ACCOUNT)
        http = HttpRequest("PUT", "/", "", {"content-md5": MD5_OF_NOTHING}, inside=True)
        given = self.store, self.ids, self.settings, "s3", ACCOUNT, "us-east-1", self.clock.now(), who, "R"
        call = Call(*given, http, self.part, lambda *_: Kms, judge=lambda *_: None)
        result = method(call, {"Bucket": "box", **request})
        return asyncio.run(whole(result)) if inspect.isawaitable(result) else result

    def keep(self):
        self.clock.advance(minutes=1)
        self.part["keeper"].step()

    def get(self, key):
        return self.do("get_object", Key=key, **(CUSTOMER if key == "f" else {}))["Body"]

    def close(self):
        self.part["keeper"].close()
        self.store.close()


def put(key, body, **more):
    return lambda s3, said: s3.do("put_object", Key=key, Body=body, **more), lambda state: state | {key: body}


def without(*keys):
    return lambda state: {key: body for key, body in state.items() if key not in keys}


def same(state):
    return state


def upload(first, key, bodies, **more):
    """The steps of an upload in parts, of which the first has that number."""

    def begin(s3, said):
        return s3.do("create_multipart_upload", Key=key, **more)["UploadId"]

    def part(number, body):
        def send(s3, said):
            return s3.do("upload_part", Key=key, UploadId=said[first], PartNumber=number, Body=body)["ETag"]

        return send, same

    def complete(s3, said):
        parts = [{"PartNumber": n, "ETag": said[first + n]} for n in range(1, len(bodies) + 1)]
        s3.do("complete_multipart_upload", Key=key, UploadId=said[first], MultipartUpload={"Parts": parts})

    sent = [part(number, body) for number, body in enumerate(bodies, 1)]
    return [(begin, same), *sent, (complete, lambda state: state | {key: b"".join(bodies)})]


def allow_customer_keys(s3, said):
    rule = {"BlockedEncryptionTypes": {"EncryptionType": ["NONE"]}}
    s3.do("put_bucket_encryption", ServerSideEncryptionConfiguration={"Rules": [rule]})


# What is done, and what the bucket then holds.
STEPS = [
    (lambda s3, said: s3.do("create_bucket"), same),
    put("a", b"one"),
    put("a", b"two"),
    put("b", b"b" * 300_000),
    (lambda s3, said: s3.do("put_object_tagging", Key="b", Tagging={"TagSet": [{"Key": "k", "Value": "v"}]}), same),
    *upload(5, "c", [PART, b"tail"]),
    (lambda s3, said: s3.do("copy_object", Key="d", CopySource="box/c"), lambda state: state | {"d": state["c"]}),
    (lambda s3, said: s3.do("delete_object", Key="a"), without("a")),
    (lambda s3, said: s3.keep(), same),
    put("e", b"e" * 300_000, **KMS),
    *upload(13, "g", [PART, b"tail"], **KMS | {"ServerSideEncryption": "aws:kms:dsse"}),
    (allow_customer_keys, same),
    put("f", b"f" * 300_000, **CUSTOMER),
    (lambda s3, said: s3.do("delete_objects", Delete={"Objects": [{"Key": "b"}, {"Key": "c"}]}), without("b", "c")),
    (lambda s3, said: s3.keep(), same),
]


def states():
    """What the bucket holds after each number of steps."""
    return list(itertools.accumulate((effect for _, effect in STEPS), lambda state, effect: effect(state), initial={}))


def run(root, fatal, durability):
    left, write, acks = fatal, os.write, os.open(root / "acks", os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def point(*_):
        nonlocal left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def deadly(effect):
        def before(*args, **more):
            point()
            return effect(*args, **more)

        return before

    opened, said = Opened(root, durability), []
    opened.part["objects"]._db.set_trace_callback(lambda sql: point() if sql == "commit" else None)
    for name in EFFECTS:
        setattr(os, name, deadly(getattr(os, name)))
    for do, _ in STEPS:
        result = do(opened, said)
        said.append(result if isinstance(result, str) else None)
        write(acks, (json.dumps(said[-1]) + "\n").encode())
    os._exit(0)


if __name__ == "__main__":
    for n in itertools.count():
        (folder := Path(sys.argv[1]) / str(n)).mkdir()
        if not (child := os.fork()):
            run(folder, n, sys.argv[2])
        if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != -signal.SIGKILL:
            break
