"""Which texts of a requirements.txt are plain, and which are one environment."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.requirements import Requirement

from skylab.compute.requirements import NotPlain, key, plain


def test_names_versions_extras_and_markers_are_plain():
    text = '# what we need\n\nHumanize == 4.9.*  # for people\nboto3[crt]>=1.34,<2\ntomli; python_version < "3.11"\n'

    assert plain(text) == ["boto3[crt]<2,>=1.34", "humanize==4.9.*", 'tomli; python_version < "3.11"']


def test_texts_that_ask_for_the_same_are_one_environment():
    first, second = plain("b_B>=1,<2\na\n"), plain("# c\nA\r\nb-b <2, >=1\na")

    assert first == second and key(first) == key(second) != key(plain("a\nb-b"))


@pytest.mark.parametrize(
    "line",
    [
        "-e .",
        "-r other.txt",
        "--index-url https://elsewhere.example/simple",
        "--extra-index-url=https://elsewhere.example/simple",
        "--find-links /opt/ml/input/data",
        "humanize --config-settings x=y",
        "humanize --hash=sha256:00",
        "./package",
        "/opt/ml/code/package",
        "..",
        "package.whl",
        "humanize-1.0.TAR.GZ",
        "humanize @ https://elsewhere.example/humanize.whl",
        "humanize @ file:///opt/ml/code/humanize",
        "git+https://elsewhere.example/humanize",
        "https://elsewhere.example/humanize.whl",
        "humanize==${VERSION}",
        "humanize \\\n  --pre",
        "humanize=={toolarge}",
        "ｈumanize",
        "humanize\0",
    ],
)
def test_what_names_a_place_or_changes_pip_is_not_plain(line):
    with pytest.raises(NotPlain):
        plain(f"numpy\n{line}\n")


def test_a_text_has_bounds():
    with pytest.raises(NotPlain, match="characters"):
        plain("# " + "x" * 70_000)
    with pytest.raises(NotPlain, match="requirements"):
        plain("".join(f"p{number}\n" for number in range(501)))


@given(st.text(st.characters(codec="utf-8"), max_size=60) | st.text("-ae.@/:=<>~![];, #\\\"'1\n", max_size=40))
def test_what_reaches_pip_is_always_a_requirement_without_a_place(text):
    try:
        found = plain(text)
    except NotPlain:
        return
    for line in found:
        assert Requirement(line).url is None and line[0].isalnum() and line.isascii() and line.isprintable()
