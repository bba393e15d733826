"""What does a training job cost beside its script? The same script, bare and as a job, from the call to Completed.

python bench/training.py [--rounds N]
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

from tools.clouds import folder, skylab
from tools.figures import Table, percentile
from tools.jobs import BUCKET, SKLEARN, Jobs, archive, sample

SCRIPT = """
import csv, os, time
begin = time.perf_counter()
with open(os.path.join(os.environ["SM_CHANNEL_TRAIN"], "train.csv")) as file:
    rows = [[float(value) for value in row] for row in csv.reader(file)]
while time.perf_counter() - begin < 1.0:
    sum(row[0] for row in rows)
with open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w") as file:
    file.write(str(len(rows)))
"""


def bare(root: Path) -> float:
    (root / "train.csv").write_bytes(sample())
    (root / "train.py").write_text(SCRIPT)
    env = os.environ | {"SM_CHANNEL_TRAIN": str(root), "SM_MODEL_DIR": str(root)}
    begin = time.perf_counter()
    subprocess.run([sys.executable, root / "train.py"], env=env, check=True)
    return time.perf_counter() - begin


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    table = Table("Training")
    with skylab() as cloud, folder() as root:
        jobs = Jobs(cloud)
        jobs.s3.put_object(Bucket=BUCKET, Key="source.tar.gz", Body=archive("train.py", SCRIPT))
        parameters = {"sagemaker_program": "train.py", "sagemaker_submit_directory": f"s3://{BUCKET}/source.tar.gz"}
        alone, whole = [], []
        for n in range(given.rounds):
            alone.append(bare(root))
            whole.append(jobs.train(f"bench-{n}", SKLEARN, parameters))
        table.times("a script of one second, bare", "python", alone)
        table.times("the same as a training job", "skylab", whole)
        more = percentile(whole, 0.5) - percentile(alone, 0.5)
        table.value("  added by the job", "skylab", f"{more * 1e3:.0f} ms", "<= 500 ms")


if __name__ == "__main__":
    main()
