"""Images built and run for real: a Dockerfile's steps in the sandbox, and programs over the layers they leave."""

import os
import tarfile

import pytest

from skylab.containers.builder import Failed
from skylab.containers.image import Image, read


def test_an_image_has_what_its_dockerfile_says(works):
    (works.folder / "program").mkdir()
    (works.folder / "program/train").write_text("#!/usr/bin/env python\nimport sys; print('trained', sys.prefix)\n")
    with tarfile.open(works.folder / "more.tar.gz", "w:gz") as archive:
        archive.add(works.folder / "program/train", "packed")

    image = works.build(
        "FROM python:3.11-slim\nENV NAME=mine PATH=/opt/program:$PATH\nWORKDIR /opt/program\nCOPY program .\n"
        "ADD more.tar.gz /packed\nRUN chmod +x train && echo $NAME > made && rm /usr/bin/yes\nCMD train"
    )

    code, said = works.run(image, "train; cat made; ls /packed; command -v yes; pwd")
    assert (code, said) == (0, "trained /usr/local\nmine\npacked\n/opt/program\n")
    assert os.path.exists("/usr/bin/yes")  # the machine's own is where it was


def test_its_python_is_empty_but_for_what_it_installs(works):
    image = works.build("FROM python\nRUN python -c 'import pip'")

    code, said = works.run(image, "python -c 'import xgboost'")
    assert code == 1 and "No module named 'xgboost'" in said


def test_steps_that_were_built_before_are_not_built_again_and_those_after_a_change_are(works):
    text = "FROM python\nRUN echo one > /one\nCOPY f /f\nRUN echo two > /two"
    (works.folder / "f").write_text("1")
    first = works.build(text)
    assert "  cached" not in works.said

    assert works.build(text) == first
    assert works.said.count("  cached") == 3

    (works.folder / "f").write_text("2")
    changed = works.build(text)
    assert works.said.count("  cached") == 1 and changed.layers[:2] == first.layers[:2]
    assert works.run(changed, "cat /f /one /two") == (0, "2one\ntwo\n")


def test_a_stage_copies_from_another_and_what_it_leaves_there_is_not_in_the_image(works):
    image = works.build(
        "FROM python AS build\nRUN mkdir /out && echo made > /out/x && ln -s x /out/l && echo no > /left\n"
        "FROM python\nCOPY --from=build /out /in/\nCOPY --from=0 /out/x /y"
    )

    assert works.run(image, "cat /in/l /y; ls /left")[1].startswith("made\nmade\nls: cannot access '/left'")
    built = works.build("FROM python AS a\nRUN echo 1 > /1\nFROM a\nRUN echo 2 > /2", target="a")
    assert works.run(built, "cat /1; test -e /2 || echo none") == (0, "1\nnone\n")


def test_a_step_that_fails_fails_the_build_with_what_it_said_and_leaves_no_layer(works):
    before = sorted(os.listdir(works.layers.folder))

    with pytest.raises(Failed, match="exit code 3"):
        works.build("FROM python\nRUN echo the reason; exit 3")

    assert "  the reason" in works.said
    assert sorted(os.listdir(works.layers.folder)) == before


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("FROM nvidia/cuda:12", "without Docker or Podman an image begins from python, debian, ubuntu"),
        ("FROM python\nCOPY nothing /x", "exit code 1"),
        ("FROM python\nCOPY --from=nowhere /x /x", "FROM nowhere"),
    ],
)
def test_what_is_not_there_is_refused(works, text, problem):
    with pytest.raises(Failed, match=problem):
        works.build(text)


def test_an_image_may_begin_from_one_that_was_built_before(works):
    below = works.build("FROM python\nENV A=1\nRUN echo below > /below")

    image = works.build("FROM mine:1\nRUN cat /below > /again", known={"mine:1": below})

    assert image.env["A"] == "1" and works.run(image, "cat /again") == (0, "below\n")


def test_a_program_may_change_its_images_files_and_changes_only_its_own_copy(works):
    image = works.build(
        "FROM python\nRUN mkdir -p /var/lib/app && echo first > /var/lib/app/state && chmod 600 /var/lib/app/state"
    )

    script = "cat /var/lib/app/state; echo mine > /var/lib/app/state; mkdir /new; cat /var/lib/app/state"
    assert works.run(image, script) == (0, "first\nmine\n")
    assert works.run(image, "cat /var/lib/app/state; ls -d /new")[1].startswith("first\nls: cannot")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can build as another user")
def test_a_run_after_user_is_that_users(works):
    image = works.build(
        "FROM debian\nRUN useradd -u 1234 joe\nUSER joe\nRUN id -u > /tmp/../var/tmp/x; id -u; touch /no || true"
    )

    assert "  1234" in works.said and any("Permission denied" in line for line in works.said)
    assert image.user == "joe"


def test_a_manifest_tells_all_of_an_image_and_an_altered_one_is_not_believed(works):
    image = Image(["sha256:" + "a" * 64], {"A": "1=2"}, ["e"], ["c"], "/w", "u", {"l": "m"}, {"80/tcp": {}})

    text = image.manifest({layer: 5 for layer in image.layers})

    assert read(text) == image
    with pytest.raises(Exception, match="not what its digest says"):
        read(text.replace('"digest": "sha256:', '"digest": "sha256:0', 1))
