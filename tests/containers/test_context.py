import os

import pytest

from skylab.containers.context import Context


@pytest.fixture
def folder(tmp_path):
    for name in ("a.py", "b.txt", "sub/a.py", "sub/deep/c.txt", "data/big.csv"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    return tmp_path


def taken(folder, sources, tmp_path_factory):
    to = tmp_path_factory.mktemp("taken")
    Context(folder).take(sources, to)
    return sorted(str(path.relative_to(to)) for path in to.rglob("*") if not path.is_dir())


def test_a_source_is_a_file_a_folder_or_a_pattern(folder, tmp_path_factory):
    assert taken(folder, ["a.py"], tmp_path_factory) == ["a.py"]
    assert taken(folder, ["./sub/"], tmp_path_factory) == ["sub/a.py", "sub/deep/c.txt"]
    assert taken(folder, ["*.txt", "s*/a.py"], tmp_path_factory) == ["b.txt", "sub/a.py"]
    assert len(taken(folder, ["."], tmp_path_factory)) == 5


def test_no_source_leads_out_of_the_folder(folder, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside") / "secret"
    outside.write_text("secret")
    (folder / "link").symlink_to(outside)

    assert taken(folder, [f"../{outside.parent.name}/secret", "/etc/hostname"], tmp_path_factory) == []
    assert taken(folder, ["link"], tmp_path_factory) == ["link"]  # as a link, which leads to the image's own files


def test_what_dockerignore_names_is_not_there(folder, tmp_path_factory):
    (folder / ".dockerignore").write_text("# data\n/data\n*.txt\nsub/**/c.txt\n!b.txt\n.dockerignore\n")

    assert taken(folder, ["."], tmp_path_factory) == ["a.py", "b.txt", "sub/a.py"]  # a.py: the pattern is for the top


@pytest.mark.parametrize("change", ["content", "mode", "name", "link"])
def test_the_digest_is_another_when_anything_copied_is(folder, change):
    before = Context(folder).digest(["sub"])
    if change == "content":
        (folder / "sub/a.py").write_text("else")
    elif change == "mode":
        (folder / "sub/a.py").chmod(0o755)
    elif change == "name":
        (folder / "sub/a.py").rename(folder / "sub/b.py")
    else:
        os.symlink("a.py", folder / "sub/l")

    assert Context(folder).digest(["sub"]) != before


def test_the_digest_is_the_same_when_something_else_changes(folder):
    before = Context(folder).digest(["sub"])
    (folder / "b.txt").write_text("else")

    assert Context(folder).digest(["sub"]) == before
