"""Write data/randhie.csv: the RAND Health Insurance Experiment, as statsmodels bundles it. No network is needed."""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path

ROWS = 20_190
SHA256 = "2b66d88c5457fd8415bdb8a833ca61d2333cee8ec23554a6f7e7d3c81fd2e9ac"  # of the file this script writes


def fetch(path: Path) -> Path:
    """Write the data once; a file with another content than the one described in README.md is refused."""
    if not path.exists():
        from statsmodels.datasets import randhie

        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".draft")
        randhie.load_pandas().data.to_csv(draft, index=False, float_format="%.6g", lineterminator="\n")
        draft.rename(path)
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != SHA256:
        raise SystemExit(f"{path} has SHA-256 {found}, not {SHA256}: delete it and fetch it again")
    return path


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--to", type=Path, default=Path(__file__).with_name("randhie.csv"))
    print(fetch(parser.parse_args().to))
