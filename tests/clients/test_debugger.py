"""Debugger through the SageMaker SDK, of both generations, and what it saved read by AWS's own library."""

import json
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_sdk_v2_debugs_pytorch_and_xgboost_and_smdebug_reads_the_tensors(run, tool, tmp_path):
    pytest.importorskip("torch")
    done = run(tool("sdk2"), HERE / "v2_debugger.py")

    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    told = next(line for line in done.stdout.splitlines() if line.startswith("tensors "))
    fetch = "import boto3, pathlib, sys, urllib.parse as u\n" + FETCH
    assert run(tool("sdk2"), "-c", fetch, told.split()[1], tmp_path / "tensors").returncode == 0
    argv = [tool("smdebug"), HERE / "with_smdebug.py", tmp_path / "tensors"]
    read = subprocess.run(list(map(str, argv)), capture_output=True, text=True, timeout=100, cwd=tmp_path)
    assert read.returncode == 0, read.stderr[-3000:]
    found = json.loads(read.stdout.rpartition("FOUND")[2])
    assert found["steps"]["GLOBAL"] == [0, 2, 4, 6, 8] and found["loaded"]
    assert found["tensors"]["labels"] == ["float32", [600], pytest.approx(found["tensors"]["labels"][2])]
    assert found["collections"]["metrics"] == ["train-logloss", "validation-logloss"]


FETCH = """
uri, folder = u.urlsplit(sys.argv[1]), pathlib.Path(sys.argv[2])
s3, prefix = boto3.client("s3"), uri.path.strip("/") + "/"
for page in s3.get_paginator("list_objects_v2").paginate(Bucket=uri.netloc, Prefix=prefix):
    for item in page["Contents"]:
        path = folder / item["Key"][len(prefix):]
        path.parent.mkdir(parents=True, exist_ok=True)
        s3.download_file(uri.netloc, item["Key"], str(path))
"""


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_sdk_v3_debugs_by_its_resource_classes(run, tool):
    done = run(tool("sdk3"), HERE / "v3_debugger.py")

    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "rule=IssuesFound" in done.stdout and "RuleEvaluationConditionMet" in done.stdout
