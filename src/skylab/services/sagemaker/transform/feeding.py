"""Feeds the objects of a transform job to its containers, and brings what they answer to S3.

Each host has its share of the objects. An object is read, split, sent and put together in the order of its records, and
comes to S3 whole or not at all; then its mark in done/ says what became of it. Whoever begins anew after a kill goes on
with those that have no mark. One that fails does not keep the others from being transformed.
https://docs.aws.amazon.com/sagemaker/latest/dg/batch-transform.html
"""

import gzip
import io
import json
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, wait
from contextlib import closing
from typing import IO, Any, TypeVar, cast

from botocore.exceptions import BotoCoreError, ClientError

from skylab.compute.background import Threads
from skylab.services.sagemaker.jobs.hosts import Host
from skylab.services.sagemaker.jobs.staging import Object, split
from skylab.services.sagemaker.transform.container import Container, NoAnswer, Refused
from skylab.services.sagemaker.transform.document import MOST, processes
from skylab.services.sagemaker.transform.job import Job
from skylab.services.sagemaker.transform.joining import BadData, Processing
from skylab.services.sagemaker.transform.parameters import MB, UNLIMITED, Parameters
from skylab.services.sagemaker.transform.splitting import Record, batches, records
from skylab.wire.errors import AwsError

CLIENT, ALGORITHM = "ClientError", "AlgorithmError"
T = TypeVar("T")
R = TypeVar("R")


class Halted(Exception):
    """The job is to end: what is not done stays undone."""


class Body(io.RawIOBase):
    """An object as it comes from S3, to be read as a file."""

    def __init__(self, body: Any) -> None:
        self._body = body

    def readable(self) -> bool:
        return True

    def readinto(self, into: Any) -> int:
        piece = self._body.read(len(into))
        into[: len(piece)] = piece
        return len(piece)


def feed(job: Job) -> None:
    """All hosts beside each other, until every object has its mark or the job is halted."""
    found = job.objects()
    shares = [(host, found[index :: len(job.hosts)]) for index, host in enumerate(job.hosts)]
    list(Threads().map(lambda share: Feeder(job, *share).run(), shares))


class Feeder:
    """One host."""

    def __init__(self, job: Job, host: Host, share: list[Object]) -> None:
        self.job, self.doc, self.host, self.share = job, job.doc, host, share
        self.source, self.target = self.doc["TransformInput"], self.doc["TransformOutput"]
        types = {"Content-Type": self.source.get("ContentType"), "Accept": self.target.get("Accept")}
        headers = {name: value for name, value in types.items() if value}
        self.container = Container(job.socket(host), self.doc.get("ModelClientConfig", {}), headers)
        self.threads = Threads()
        self.processing = None
        if processes(self.doc):
            given, type = self.doc["DataProcessing"], self.source["ContentType"]
            self.processing = Processing(given, type, self.source["SplitType"])

    def run(self) -> None:
        left = [item for item in self.share if not self.job.mark(item).exists()]
        if not left:
            return
        self.parameters = Parameters.of(self.doc, self.container.parameters())
        self.job.say(self.host, str(self.parameters))
        with closing(self.container):
            try:
                if self.source["SplitType"] == "None":  # an object is a request
                    list(self._ordered(self._transform, left))
                else:
                    for item in left:
                        self._transform(item)
            except Halted:
                pass

    def _transform(self, item: Object) -> None:
        """Raises Halted."""
        draft = self.job.mark(item).with_suffix(".draft")
        failure = ""
        try:
            with draft.open("wb") as out, closing(self._opened(item)) as file:
                out.writelines(self._pieces(file))
            with draft.open("rb") as out:
                self._put(out, item)
        except Refused as refusal:
            failure = self._refused(item, refusal)
        except NoAnswer:
            failure = self._failed(item, ALGORITHM, "Unable to get response from algorithm")
        except (BadData, OSError, EOFError, zlib.error, ClientError, BotoCoreError, AwsError) as problem:
            failure = self._failed(item, CLIENT, f"{CLIENT}: {problem}")
        draft.write_text(json.dumps({"failure": failure}))
        draft.rename(self.job.mark(item))

    def _refused(self, item: Object, refusal: Refused) -> str:
        said = ["", "Message:", *refusal.text.splitlines()]
        if refusal.status < 500:
            return self._failed(item, CLIENT, f"{CLIENT}: {refusal.status}", *said)
        return self._failed(item, ALGORITHM, f"Bad HTTP status received from algorithm: {refusal.status}", *said)

    def _failed(self, item: Object, kind: str, *lines: str) -> str:
        if self.job.halted:
            raise Halted  # it is no wonder then
        for line in lines:
            self.job.say(self.host, f"{item.bucket}/{item.key}: {line}")
        return kind

    def _opened(self, item: Object) -> IO[bytes]:
        file = io.BufferedReader(Body(self.job.s3.get_object(Bucket=item.bucket, Key=item.key)["Body"]), MB)
        return cast("IO[bytes]", gzip.GzipFile(fileobj=file) if self.source["CompressionType"] == "Gzip" else file)

    def _put(self, out: IO[bytes], item: Object) -> None:
        from boto3.s3.transfer import TransferConfig  # here, since a server that starts need not wait for it

        bucket, prefix = split(self.target["S3OutputPath"])
        key = f"{prefix.rstrip('/')}/{item.name}.out".lstrip("/")
        key_id = self.target["KmsKeyId"]
        encrypted = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key_id} if key_id else {}
        self.job.s3.upload_fileobj(out, bucket, key, ExtraArgs=encrypted, Config=TransferConfig(use_threads=False))

    def _pieces(self, file: IO[bytes]) -> Iterator[bytes]:
        """What the output is made of, in order."""
        kind, limit = self.source["SplitType"], self.parameters.payload
        if self.processing:
            limit = min(limit, MOST * MB)  # a container may ask for more, but records are to be looked into
        if limit == UNLIMITED and (kind == "None" or self.parameters.several):
            yield from self._assembled([self.container.stream(iter(lambda: file.read(MB), b""))])
            return
        found = batches(records(file, kind, limit), self.parameters.several, limit)
        answers = self._ordered(self._ask, found) if kind != "None" else map(self._ask, found)
        for answer in answers:
            yield from self._assembled(answer)

    def _assembled(self, answer: list[bytes]) -> Iterator[bytes]:
        line = self.target["AssembleWith"] == "Line"
        for piece in answer:
            yield piece
            if (line or len(answer) > 1) and not piece.endswith(b"\n"):
                yield b"\n"

    def _ask(self, batch: list[Record]) -> list[bytes]:
        if self.job.halted:
            raise Halted
        if self.processing is None:
            single = not self.parameters.several
            return [self.container.invoke(batch[0].content if single else b"".join(each.raw for each in batch))]
        contents = [each.content for each in batch]
        if self.source["SplitType"] == "None" and not self.processing.single:
            contents = [line for line in contents[0].splitlines() if line.strip()]
        return self.processing.kept(contents, self.container.invoke(self.processing.payload(contents)))

    def _ordered(self, ask: Callable[[T], R], asked: Iterable[T]) -> Iterator[R]:
        """Answers in the order of what was asked, so many at a time and no more in memory."""
        window: deque[Future[R]] = deque()
        try:
            for each in asked:
                window.append(self.threads.submit(ask, each))
                if len(window) >= self.parameters.concurrent:
                    yield window.popleft().result()
            while window:
                yield window.popleft().result()
        finally:
            wait(window)
