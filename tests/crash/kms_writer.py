"""Works with KMS and kills itself before its nth effect, for every n: `python kms_writer.py ROOT DURABILITY`.

Each n has a folder of its own under ROOT; the file acks in it tells what each step answered.
"""

import base64
import functools
import itertools
import json
import os
import signal
import sys
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from skylab.compute.supervisor import Supervisor
from skylab.kernel.clock import RandomIds, TestClock
from skylab.kernel.store import Store
from skylab.services import kms
from skylab.services.call import Call, Principal
from skylab.services.kms import import_tokens
from skylab.settings import Settings
from skylab.wire.errors import AwsError

ACCOUNT = "000000000000"
SECRET = bytes(range(32))
EFFECTS = ("write", "replace", "fsync")


class Opened:
    def __init__(self, root, durability="kill"):
        self.clock, self.ids, self.settings = TestClock(), RandomIds(), Settings(durability=durability)
        self.start = self.clock.now()
        self.store = Store(root / "state.db", durability)
        self.part = kms.open(root, self.settings, self.clock)
        world = SimpleNamespace(store=self.store, parts={"kms": self.part})
        work = {kind: made(world) for kind, made in kms.WORK.items()}
        self.supervisor = Supervisor(self.store, work, self.clock, strict=True)

    def at(self, day):
        self.clock.advance(seconds=(self.start + timedelta(days=day) - self.clock.now()).total_seconds())

    def do(self, operation, **request):
        method = next(getattr(r(), operation) for r in kms.RESOURCES if hasattr(r, operation))
        who = Principal(f"arn:aws:iam::{ACCOUNT}:root", ACCOUNT, ACCOUNT)
        given = self.store, self.ids, self.settings, "kms", ACCOUNT, "us-east-1", self.clock.now(), who, "R"
        return method(Call(*given, None, self.part, None), request)

    def step(self):
        for _ in range(3):
            self.supervisor.step(self.clock.now())

    def close(self):
        self.store.close()


def create(**given):
    return lambda kms, said: kms.do("create_key", **given)["KeyMetadata"]["KeyId"]


def seal(key):
    def run(kms, said):
        blob = kms.do("encrypt", KeyId=said[key], Plaintext=b"sealed by step %d" % key)["CiphertextBlob"]
        return base64.b64encode(blob).decode()

    return run


def ask(operation, key, **given):
    """Asked again after a kill, it may have happened already."""

    def run(kms, said):
        try:
            kms.do(operation, KeyId=said[key], **given)
        except AwsError as error:
            if error.code != "KMSInvalidStateException":
                raise

    return run


def bring(key, days):
    def run(kms, said):
        given = {"WrappingAlgorithm": "RSAES_OAEP_SHA_256", "WrappingKeySpec": "RSA_2048"}
        asked = kms.do("get_parameters_for_import", KeyId=said[key], **given)
        wrapped = load_der_public_key(asked["PublicKey"]).encrypt(SECRET, OAEP(MGF1(SHA256()), SHA256(), None))
        until = kms.clock.now() + timedelta(days=days)
        kms.do(
            "import_key_material", KeyId=said[key], ImportToken=asked["ImportToken"], EncryptedKeyMaterial=wrapped,
            ValidTo=until,
        )  # fmt: skip

    return run


def step(kms, said):
    kms.step()


# The day on which each is done, and what.
STEPS = [
    (0, create()),
    (0, seal(0)),
    (0, ask("rotate_key_on_demand", 0)),
    (0, ask("enable_key_rotation", 0, RotationPeriodInDays=90)),
    (90, step),
    (90, seal(0)),
    (91, create(Origin="EXTERNAL")),
    (91, bring(6, 5)),
    (91, seal(6)),
    (96, step),
    (97, bring(6, 200)),
    (98, create(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")),
    (99, ask("schedule_key_deletion", 0, PendingWindowInDays=7)),
    (106, step),
]
SEALED = {1: 0, 5: 0, 8: 6}  # step -> the step that made its key
DELETED = len(STEPS) - 1
EXPIRED, RENEWED = 9, 10


def run(root, fatal, durability):
    left, write, acks = fatal, os.write, os.open(root / "acks", os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def point():
        nonlocal left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def deadly(effect):
        def before(*args, **more):
            point()
            return effect(*args, **more)

        return before

    for name in EFFECTS:  # those of the root key's first start among them
        setattr(os, name, deadly(getattr(os, name)))
    opened, said = Opened(root, durability), []
    opened.store._db.set_trace_callback(lambda sql: point() if sql == "commit" else None)
    for day, do in STEPS:
        opened.at(day)
        said.append(do(opened, said))
        write(acks, (json.dumps(said[-1]) + "\n").encode())
    os._exit(0)


if __name__ == "__main__":
    import_tokens.generate = functools.cache(import_tokens.generate)  # one pair wraps for all: making it takes long
    import_tokens.generate("RSA_2048")
    for n in itertools.count():
        (folder := Path(sys.argv[1]) / str(n)).mkdir()
        if not (child := os.fork()):
            run(folder, n, sys.argv[2])
        if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != -signal.SIGKILL:
            break
