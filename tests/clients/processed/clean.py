"""Each instance cleans its share of the rows."""

import argparse
import json
from pathlib import Path

import pandas as pd

parser = argparse.ArgumentParser()
parser.add_argument("--least", type=float, required=True)
least = parser.parse_args().least

base = Path("/opt/ml/processing")
host = json.loads(Path("/opt/ml/config/resourceconfig.json").read_text())["current_host"]
files = sorted((base / "input/data").iterdir())
rows = pd.concat([pd.read_csv(file) for file in files])
kept = rows[rows["value"] >= least]
kept.to_csv(base / "output" / f"{host}.csv", index=False)
print(f"{host}: kept={len(kept)} of {len(files)} files", flush=True)
