"""python fuzz/run.py TARGET [SECONDS]: searches for bytes that a parser does not stand, by coverage (atheris).

What it finds is written to fuzz/found/, and is a bug; the same bytes belong into tests/attacks/test_parsers.py.
"""

import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["skylab", "tarfile", "defusedxml"]):
    import fuzz_targets


def main(name: str, seconds: str = "60") -> None:
    target, found = fuzz_targets.TARGETS[name], Path(__file__).parent / "found"
    found.mkdir(exist_ok=True)
    corpus = tempfile.mkdtemp()
    for number, seed in enumerate(fuzz_targets.SEEDS[name]):
        Path(corpus, str(number)).write_bytes(seed)
    limits = [f"-max_total_time={seconds}", "-timeout=10", "-rss_limit_mb=2048", "-max_len=8192"]
    atheris.Setup([sys.argv[0], *limits, f"-artifact_prefix={found}/{name}-", corpus], target)
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
