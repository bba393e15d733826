"""What Docker or Podman built becomes an image of ours. The program is a small one with Docker's command line."""

import json
import tarfile

import pytest

from skylab.commands import image as command
from skylab.containers import docker
from skylab.containers.builder import Failed
from skylab.containers.image import Image
from skylab.containers.layers import name

TOLD = {"Id": "sha256:aa", "Config": {"Env": ["A=b=c"], "Entrypoint": ["/bin/train"], "Cmd": None, "WorkingDir": "/w"}}
PROGRAM = """#!/bin/sh
echo "$@" >> {folder}/asked
case "$1" in
  image) cat {folder}/told ;;
  create) [ -n "$3" ] || {{ echo "no command specified" >&2; exit 125; }}; echo c1 ;;
  export) cp {folder}/archive "$3" ;;
esac
"""


@pytest.fixture
def program(tmp_path):
    """A daemon's client: its image has no CMD, and a container of it needs a word, as Podman's does."""
    (tmp_path / "whole").mkdir()
    (tmp_path / "whole/train").write_text("ran")
    with tarfile.open(tmp_path / "archive", "w") as archive:
        archive.add(tmp_path / "whole/train", "bin/train")
        archive.add(tmp_path / "whole/train", "dev/null")
    (tmp_path / "told").write_text(json.dumps([TOLD]))
    (tmp_path / "docker").write_text(PROGRAM.format(folder=tmp_path))
    (tmp_path / "docker").chmod(0o755)
    return tmp_path / "docker"


def test_an_image_without_a_cmd_is_taken_over_whole_and_once(works, program):
    taken = docker.take(str(program), "mine:1", works.layers, works.processes, works.said.append)

    assert (taken.env, taken.entrypoint, taken.command, taken.workdir) == ({"A": "b=c"}, ["/bin/train"], [], "/w")
    tree = works.layers.folder / name(taken.layers[0])
    assert (tree / "bin/train").read_text() == "ran" and not (tree / "dev").exists()
    assert docker.take(str(program), "mine:1", works.layers, works.processes, works.said.append) == taken
    asked = (program.parent / "asked").read_text().splitlines()
    assert [line.split()[0] for line in asked] == ["image", "create", "export", "rm", "image"]


def test_what_docker_refuses_is_said_in_its_words_and_leaves_no_layer(works, program):
    (program.parent / "archive").unlink()

    with pytest.raises(Failed, match="`.*docker export --output` failed: cp: cannot stat"):
        docker.take(str(program), "mine:1", works.layers, works.processes, works.said.append)
    assert (program.parent / "asked").read_text().endswith("rm c1\n")


@pytest.mark.parametrize(
    "text, ours",
    [
        ("FROM sagemaker-xgboost:1.7-1", True),
        ("ARG BASE=sagemaker-xgboost:1.7-1\nFROM $BASE", True),
        ("FROM debian AS a\nFROM a\nFROM sagemaker-xgboost:1.7-1", True),
        ("FROM debian AS sagemaker-xgboost\nFROM sagemaker-xgboost", False),
        ("FROM nvidia/cuda", False),
        ("FROM debian\nRUN <<E\necho 1\nE", False),
    ],
)
def test_an_image_that_begins_from_one_of_this_cloud_is_built_by_it(tmp_path, text, ours):
    (tmp_path / "Dockerfile").write_text(text)

    def known(name):
        return Image([], {}) if name.startswith("sagemaker-xgboost") else None

    assert command.only_here(tmp_path / "Dockerfile", {}, known) is ours
