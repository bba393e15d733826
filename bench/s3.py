"""How fast is S3? Small and large objects, ranges of a large one, and how others fare while large bodies move.

python bench/s3.py [--rounds N]     each figure is that of the best of N rounds (3): the machine may have other work
"""

import argparse
import threading
import time
from collections.abc import Callable

from tools.clouds import Cloud, protocol_peers, skylab
from tools.figures import Table, percentile
from tools.wire import Wire

SMALL, LARGE, HUGE = b"x" * 1024, 100 * 2**20, 200 * 2**20
CALLS = 1500
PART, PARTS = 8 * 2**20, 75  # 600 MB


def quietest(rounds: int, measure: Callable[[], list[float]]) -> list[float]:
    """The round whose median is least: what else the machine did only ever adds."""
    return min((measure() for _ in range(rounds)), key=lambda timings: percentile(timings, 0.5))


class Questions:
    def __init__(self, cloud: Cloud, table: Table, rounds: int, ours: bool) -> None:
        self.cloud, self.table, self.rounds, self.ours = cloud, table, rounds, ours
        self.wire = Wire(cloud.target.url)
        self.calls = CALLS if ours else CALLS // 3
        self.ask("PUT", "/bench")

    def signed(self, method: str, path: str, body: bytes = b"", **headers: str) -> bytes:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.cloud.target.signed("s3", method, path, body, named)

    def ask(self, method: str, path: str, body: bytes = b"") -> bytes:
        return self.wire.send(self.signed(method, path, body))

    def times(self, question: str, requests: list[bytes], goal: str = "") -> None:
        for request in requests[:50]:
            self.wire.send(request)
        timings = quietest(self.rounds, lambda: [self.wire.timed(request) for request in requests])
        self.table.times(question, self.cloud.name, timings, goal)

    def small(self) -> None:
        puts = [self.signed("PUT", f"/bench/small/{n}", SMALL) for n in range(self.calls)]
        self.times("put 1 KB", puts, "<= 1 ms p50")
        gets = [self.signed("GET", f"/bench/small/{n}") for n in range(self.calls)]
        self.times("get 1 KB", gets, "<= 1 ms p50")
        self.times("head", [self.signed("HEAD", "/bench/small/1")] * self.calls)

    def boto(self) -> None:
        """The same through boto3, whose own work is most of it."""
        s3 = self.cloud.target.client("s3")

        def one(n: int) -> float:
            begin = time.perf_counter()
            s3.put_object(Bucket="bench", Key=f"boto/{n}", Body=SMALL)
            return time.perf_counter() - begin

        timings = quietest(self.rounds, lambda: [one(n) for n in range(200)])
        self.table.times("put 1 KB by boto3", self.cloud.name, timings)

    def large(self) -> None:
        body = bytes(LARGE)
        put, get = self.signed("PUT", "/bench/large", body), self.signed("GET", "/bench/large")
        times = self.rounds * (2 if self.ours else 1)
        self.table.rate("put 100 MB", self.cloud.name, [self.gigabytes(put, LARGE) for _ in range(times)], "GB/s")
        gets = [self.gigabytes(get, LARGE) for _ in range(times * 2)]
        self.table.rate("get 100 MB", self.cloud.name, gets, "GB/s", ">= 1 GB/s")

    def gigabytes(self, request: bytes, size: int) -> float:
        begin = time.perf_counter()
        self.wire.drain(request)
        return size / (time.perf_counter() - begin) / 1e9

    def ranges(self) -> None:
        self.ask("PUT", "/bench/huge", bytes(HUGE))
        ranges = [
            self.signed("GET", "/bench/huge", range=f"bytes={at}-{at + 1023}")
            for at in range(0, HUGE, HUGE // (300 if self.ours else 30))
        ]
        self.times("1 KB range of 200 MB", ranges, "<= 2 ms")

    def meanwhile(self) -> None:
        """Two clients fetch and store 100 MB without pause; another asks for 1 KB every 5 ms."""
        ended = threading.Event()
        requests = [self.signed("GET", "/bench/large"), self.signed("PUT", "/bench/large2", bytes(LARGE))]
        threads = [threading.Thread(target=self._move, args=(request, ended)) for request in requests]
        get = self.signed("GET", "/bench/small/1")
        for thread in threads:
            thread.start()
        time.sleep(0.5)
        timings = []
        for _ in range(200):
            timings.append(self.wire.timed(get))
            time.sleep(0.005)
        ended.set()
        for thread in threads:
            thread.join()
        self.table.times("get 1 KB during large transfers", self.cloud.name, timings, "p99 <= 20 ms")

    def _move(self, request: bytes, ended: threading.Event) -> None:
        wire = Wire(self.cloud.target.url)
        while not ended.is_set():
            wire.drain(request)
        wire.close()

    def multipart(self) -> None:
        begun = self.ask("POST", "/bench/parts?uploads=").decode()
        upload, peak = begun.partition("<UploadId>")[2].partition("<")[0], self.cloud.memory()
        parts, body, begin = [], bytes(PART), time.perf_counter()
        for number in range(1, PARTS + 1):
            self.wire.send(self.signed("PUT", f"/bench/parts?partNumber={number}&uploadId={upload}", body))
            peak = max(peak, self.cloud.memory())
            parts.append(f"<Part><PartNumber>{number}</PartNumber><ETag>{ETAG}</ETag></Part>")
        whole = f"<CompleteMultipartUpload>{''.join(parts)}</CompleteMultipartUpload>"
        self.ask("POST", f"/bench/parts?uploadId={upload}", whole.encode())
        peak, seconds = max(peak, self.cloud.memory()), time.perf_counter() - begin
        self.table.value("600 MB multipart", self.cloud.name, f"{seconds:.1f} s")
        self.table.value("  resident at most", self.cloud.name, f"{peak / 2**20:.0f} MB", "< 300 MB")


def _etag() -> str:
    import hashlib

    return hashlib.md5(bytes(PART), usedforsecurity=False).hexdigest()


ETAG = _etag()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--alone", action="store_true", help="without the peers")
    parser.add_argument("--only", default="small boto large ranges meanwhile multipart")
    given = parser.parse_args()
    table = Table("S3")
    with skylab() as cloud:
        questions = Questions(cloud, table, given.rounds, True)
        for name in given.only.split():
            getattr(questions, name)()
    for peer in [] if given.alone else protocol_peers():
        with peer.running() as cloud:
            questions = Questions(cloud, table, 1, False)
            for name in given.only.split():
                getattr(questions, name)()


if __name__ == "__main__":
    main()
