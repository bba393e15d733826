"""One asynchronous request, done: its input from S3 to an instance, the answer from there to S3, piece by piece."""

from __future__ import annotations

import base64
import http.client
import io
import logging
import shutil
import tempfile
from dataclasses import dataclass
from typing import IO, Any

from botocore.exceptions import BotoCoreError, ClientError

from skylab.compute.world import World
from skylab.services.sagemaker_runtime.asking import PIECE, Line
from skylab.services.sagemaker_runtime.heads import PASSED_ON
from skylab.wire.errors import AwsError

log = logging.getLogger(__name__)

LARGEST = 1 << 30  # bytes of an input
SHOWN = 1024  # characters of a container's answer in a failure


class Unreachable(Exception):
    """Nobody listens there: nothing was sent."""


class Broken(Exception):
    """The instance ended before its answer was complete."""


class Failed(Exception):
    """The text is for FailureLocation."""


@dataclass(frozen=True)
class Errand:
    """Safe to repeat: what is in S3 already is not asked for again."""

    world: World
    region: str
    request: dict[str, Any]
    socket: str

    def run(self, seconds: float) -> None:
        """Raises Unreachable or Broken; every other end is in S3 when it returns."""
        try:
            s3 = self.world.assume("s3", self.region, self.request["_"]["role"], "SageMaker")
        except AwsError as denial:
            log.warning("async request %s has nowhere to go: %s", self.request["_"]["id"], denial.message)
            return
        if self.request["_"].get("again") and (self._there(s3, "OutputLocation") or self._there(s3, "FailureLocation")):
            return
        try:
            with tempfile.TemporaryFile(dir=self.world.root) as answer:
                content_type = self._ask(s3, answer, seconds)
                answer.seek(0)
                self._put(s3, "OutputLocation", answer, content_type)
        except Failed as failure:
            self._failed(s3, str(failure))
        except (ClientError, BotoCoreError) as problem:
            self._failed(s3, f"The response could not be uploaded to {self.request['OutputLocation']}: {problem}")

    def fail(self, reason: str) -> None:
        try:
            self._failed(self.world.assume("s3", self.region, self.request["_"]["role"], "SageMaker"), reason)
        except AwsError as denial:
            log.warning("async request %s has nowhere to go: %s", self.request["_"]["id"], denial.message)

    def _ask(self, s3: Any, answer: IO[bytes], seconds: float) -> str:
        """The content type of the answer."""
        body, size, stored = self._input(s3)
        headers = {header: self.request[member] for member, header in PASSED_ON.items() if member in self.request}
        headers = {"Content-Type": stored} | headers | {"Content-Length": str(size)}
        try:
            with self._line(seconds) as line:
                line.connection.request("POST", "/invocations", body, headers)
                said = line.connection.getresponse()
                if said.status != 200:
                    raise Failed(_words(said.status, said.read(PIECE).decode(errors="replace")))
                shutil.copyfileobj(said, answer, PIECE)
                return said.getheader("Content-Type", "application/octet-stream")
        except TimeoutError:
            words = f"The model did not answer within {seconds:g} seconds (InvocationTimeoutSeconds)."
            raise Failed(words) from None
        except (OSError, http.client.HTTPException) as problem:
            raise Broken(f"The connection to the model was closed before the answer was complete: {problem}") from None

    def _line(self, seconds: float) -> Line:
        try:
            return Line(self.socket, seconds).opened()
        except OSError as problem:
            raise Unreachable(self.socket) from problem

    def _input(self, s3: Any) -> tuple[IO[bytes], int, str]:
        """(what to read, its bytes, its content type)"""
        if (inline := self.request["_"]["inline"]) is not None:
            whole = base64.b64decode(inline)
            return io.BytesIO(whole), len(whole), "application/octet-stream"
        url = self.request["InputLocation"]
        try:
            found = s3.get_object(**_place(url))
        except (ClientError, BotoCoreError) as problem:
            raise Failed(f"Failed to download the request from {url}: {problem}") from problem
        if found["ContentLength"] > LARGEST:
            raise Failed(f"The request at {url} has {found['ContentLength']} bytes; the most are {LARGEST}.")
        return found["Body"], found["ContentLength"], found["ContentType"]

    def _put(self, s3: Any, location: str, body: IO[bytes] | bytes, content_type: str) -> None:
        key = self.request["_"]["key"]
        encrypted = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key} if key else {}
        s3.put_object(**_place(self.request[location]), Body=body, ContentType=content_type, **encrypted)

    def _failed(self, s3: Any, reason: str) -> None:
        if "FailureLocation" not in self.request:
            return
        try:
            self._put(s3, "FailureLocation", reason.encode(), "text/plain")
        except (ClientError, BotoCoreError) as problem:
            log.warning("async request %s: %s; and its failure cannot be told: %s", self.socket, reason, problem)

    def _there(self, s3: Any, location: str) -> bool:
        """Whether it was put since this request began; S3 knows whole seconds only."""
        if location not in self.request:
            return False
        try:
            found = s3.head_object(**_place(self.request[location]))
        except (ClientError, BotoCoreError):
            return False
        return bool(found["LastModified"].timestamp() >= int(self.request["_"]["began"]))


def _place(url: str) -> dict[str, str]:
    bucket, _, key = url.partition("://")[2].partition("/")
    return {"Bucket": bucket.partition(".s3")[0] if url.startswith("https") else bucket, "Key": key}


def _words(status: int, text: str) -> str:
    side = "client" if 400 <= status < 500 else "server"
    return f'Received {side} error ({status}) from primary with message "{text[:SHOWN]}".'
