"""How a Dockerfile is read. https://docs.docker.com/reference/dockerfile/"""

import pytest

from skylab.containers import dockerfile
from skylab.containers.dockerfile import Malformed

SHELL = ("/bin/sh", "-c")


def staged(text, base=None, **given):
    """The last stage, evaluated on a base that says nothing unless told."""
    stage = dockerfile.read(text.encode(), given)[-1]
    dockerfile.evaluate(stage, base or {}, given)
    return stage


def test_variables_are_put_in_where_docker_puts_them_in():
    stage = staged(
        'FROM python\nARG who=you\nENV A=1 B="two words" C=$A\nWORKDIR /opt/$A\nCOPY ${who:-x}/ $MISSING./to-$C/\n'
        "RUN echo $A ${B}\nLABEL l=${nothing:-default} m='x y'"
    )

    assert stage.config["Env"] == {"A": "1", "B": "two words", "C": ""}  # of one instruction all see what was before it
    copy, run = stage.steps[1:]
    assert copy.sources == ("you/",) and copy.target == "/opt/1/to-/"
    assert run.argv == (*SHELL, "echo $A ${B}") and run.env == {"who": "you"} | stage.config["Env"]  # the shell's to do
    assert stage.config["Labels"] == {"l": "default", "m": "x y"}


def test_arguments_have_what_was_given_else_their_default_else_what_stood_before_the_first_from():
    text = "ARG TAG=3.11\nARG OTHER=o\nFROM python:$TAG\nARG TAG\nARG OTHER=mine\nARG UNSET\nRUN x"

    stage = staged(text, OTHER="given")

    assert stage.base == "python:3.11"
    assert stage.steps[0].env == {"TAG": "3.11", "OTHER": "given"}


def test_commands_are_words_or_a_line_for_the_shell():
    stage = staged('FROM x\nENTRYPOINT ["python", "-u"]\nCMD serve --fast\nRUN ["ls", "$A"]')

    assert stage.config["Entrypoint"] == ["python", "-u"] and stage.config["Cmd"] == [*SHELL, "serve --fast"]
    assert stage.steps[0].argv == ("ls", "$A")


def test_a_new_entrypoint_takes_away_the_command_of_the_base():
    base = {"Entrypoint": ["a"], "Cmd": ["b"]}

    assert "Cmd" not in staged('FROM x\nENTRYPOINT ["c"]', base).config
    assert staged("FROM x", base).config["Cmd"] == ["b"]


def test_stages_have_names_and_numbers_and_a_working_folder_may_be_relative():
    stages = dockerfile.read(b"FROM a AS Build\nRUN x\nFROM b\nWORKDIR /a\nWORKDIR b/../c\nCOPY --from=Build /x ./", {})
    dockerfile.evaluate(stages[1], {}, {})

    assert [(stage.base, stage.name) for stage in stages] == [("a", "build"), ("b", "")]
    assert stages[1].config["WorkingDir"] == "/a/c"
    assert (stages[1].steps[-1].stage, stages[1].steps[-1].target) == ("build", "/a/c/")


def test_long_lines_comments_and_other_cases_are_read():
    stage = staged('# first\nfrom x\nrun one \\\n  # inside\n  two\ncopy ["a b", "c d/"]')

    assert "one" in stage.steps[0].argv[-1] and "two" in stage.steps[0].argv[-1]
    assert stage.steps[1].sources == ("a b",) and stage.steps[1].target == "/c d/"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("RUN x", "line 1: RUN before the first FROM"),
        ("", "no FROM"),
        ("FROM x\nVOLUME /data", "line 2: VOLUME is not supported"),
        ("FROM x\nHEALTHCHECK NONE", "line 2: HEALTHCHECK is not supported"),
        ("FROM x\nRUN --mount=type=cache,target=/c pip", "line 2: --mount is not supported"),
        ("FROM x\nRUN <<EOF\nls\nEOF", "here-documents are not supported"),
        ("FROM x\nCOPY one", "line 2: COPY takes what to copy, and where to"),
        ("FROM x\nCOPY a b c", "line 2: a copy of several files needs a folder"),
        ('FROM x\nCMD ["a', "is not a JSON array of strings"),
        ("FROM x\nENV A=${B%x}", "of the forms of"),
        ("FROM x y", "line 1: FROM takes an image"),
    ],
)
def test_what_cannot_be_built_is_refused_with_its_line(text, problem):
    with pytest.raises(Malformed, match=problem.replace("[", r"\[")):
        staged(text)
