"""`skylab image pull`, and what `skylab run` pulls for a system: the libraries of AWS's images."""

from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest
from commanded import skylab

from skylab.commands import pull, systems
from skylab.root import Refused
from skylab.services.sagemaker.jobs import runtimes

SYSTEMS = sorted((Path(__file__).parents[1] / "systems").glob("*/images.txt"))
KNOWN = ['pandas<3; extra == "tabular"', 'torch==2; extra == "torch"', 'numpy<3,>=1; extra == "torch"', "boto3>=1"]


@pytest.fixture
def bare(monkeypatch):
    """A Python in which nothing is installed but Skylab."""

    def absent(package):
        raise PackageNotFoundError(package)

    monkeypatch.setattr(runtimes, "version", absent)
    monkeypatch.setattr(pull, "requires", lambda name: KNOWN)


def test_what_images_lack_is_installed_as_the_extras_of_skylab_say(bare, monkeypatch, tmp_path):
    asked = []
    monkeypatch.setattr(systems, "install", lambda python, wanted, what, *more: asked.append((wanted, what)))

    lacking = pull.lacking(["pytorch-training", "763104351884.dkr.ecr.eu-west-1.amazonaws.com/pytorch-inference:2.6"])
    pull.pull(lacking, tmp_path / "log", print)

    assert [family.name for family in lacking] == ["pytorch"]
    assert asked == [(["numpy<3,>=1", "torch==2"], "what the images need (torch)")]


def test_a_checkout_that_is_not_installed_says_how_to_install_it(bare, monkeypatch, tmp_path):
    def absent(package):
        raise PackageNotFoundError(package)

    monkeypatch.setattr(pull, "requires", absent)

    with pytest.raises(Refused, match=r"pip install -e '\.\[torch\]'"):
        pull.pull(pull.lacking(["pytorch-training"]), tmp_path / "log", print)


def test_the_images_of_a_system_are_lines_of_a_file(tmp_path):
    assert pull.needed(tmp_path) == []
    (tmp_path / "images.txt").write_text("# what it uses\nsagemaker-xgboost\n\npytorch-training  # for its encoder\n")
    assert pull.needed(tmp_path) == ["sagemaker-xgboost", "pytorch-training"]


@pytest.mark.parametrize("listed", SYSTEMS, ids=lambda listed: listed.parent.name)
def test_every_image_that_a_system_lists_is_known(listed, bare):
    images = pull.needed(listed.parent)
    assert images and all(runtimes.family(image) for image in images)


def test_pulling_says_when_there_is_nothing_to_do_and_refuses_what_is_not_known(tmp_path):
    idle = skylab(tmp_path, "image", "pull", "sagemaker-xgboost", "sagemaker-debugger-rules")
    assert (idle.returncode, idle.stdout) == (0, "All that they need is installed.\n"), idle.stderr

    other = skylab(tmp_path, "image", "pull", "sagemaker-xgboost:1.7-1", "sagemaker-xgboost:1.7-1-cpu-py3")
    notice = runtimes.resolve("sagemaker-xgboost:1.7-1").notice
    assert "stands in for the 1.7-1" in notice
    assert (other.returncode, other.stdout) == (0, f"All that they need is installed.\nNote: {notice}.\n")

    unknown = skylab(tmp_path, "image", "pull", "nginx")
    assert unknown.returncode == 2
    assert unknown.stderr.startswith("skylab: The image nginx is not known here. Known images: sagemaker-xgboost")
