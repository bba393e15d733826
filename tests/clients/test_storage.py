"""Other people's programs that keep their data in S3."""

import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent


@pytest.mark.timeout(120)
def test_s3fs_writes_reads_lists_moves_and_deletes(run):
    done = run(sys.executable, HERE / "with_s3fs.py")

    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert done.stdout.split("\n")[:2] == ["missing=FileNotFoundError", "exists= False"]


@pytest.mark.timeout(120)
def test_awswrangler_writes_reads_and_filters_data_frames(run):
    done = run(sys.executable, HERE / "with_awswrangler.py")

    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert done.stdout.rstrip().endswith("left= []")


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_aws_cli_synchronises_folders_both_ways(run, tool, tmp_path):
    aws = tool("awscli", "aws")
    there, back = tmp_path / "there", tmp_path / "back"
    files = {"large.bin": bytes(range(256)) * 2**17, "deep/er/ä b+c.txt": b"name", "empty": b"", "gone.txt": b"x"}
    for name, body in files.items():
        (there / name).parent.mkdir(parents=True, exist_ok=True)
        (there / name).write_bytes(body)

    def does(*argv):
        done = run(aws, *argv)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    does("s3", "mb", "s3://synchronised")
    assert does("s3", "sync", there, "s3://synchronised/x", "--no-progress").count("upload:") == len(files)
    assert does("s3", "sync", there, "s3://synchronised/x", "--no-progress") == ""
    does("s3", "sync", "s3://synchronised/x", back, "--no-progress")
    assert {str(path.relative_to(back)): path.read_bytes() for path in back.rglob("*") if path.is_file()} == files

    (there / "gone.txt").unlink()
    (there / "empty").write_bytes(b"no more")
    said = does("s3", "sync", there, "s3://synchronised/x", "--delete", "--no-progress")
    assert sorted(line.split(":")[0] for line in said.splitlines()) == ["delete", "upload"]
    listing = does("s3", "ls", "--recursive", "s3://synchronised")
    assert "gone.txt" not in listing and " 7 x/empty" in listing
    does("s3", "rb", "--force", "s3://synchronised")
    assert "synchronised" not in does("s3", "ls")


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_the_aws_cli_speaks_to_every_service(run, tool):
    aws = tool("awscli", "aws")
    for command in ("sts get-caller-identity", "iam list-roles", "logs describe-log-groups", "sagemaker list-models"):
        done = run(aws, *command.split())
        assert done.returncode == 0, done.stderr
    refused = run(aws, "sagemaker", "describe-model", "--model-name", "nothing")
    assert refused.returncode != 0 and "Could not find model" in refused.stderr
