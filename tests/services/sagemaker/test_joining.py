"""The filters and joins of batch transform, on records alone. The examples are those of
https://docs.aws.amazon.com/sagemaker/latest/dg/batch-transform-data-processing.html"""

import pytest

from skylab.services.sagemaker.transform.filters import BadPath, NothingThere, Path
from skylab.services.sagemaker.transform.joining import BadData, Processing


@pytest.mark.parametrize(
    "path, value, found",
    [
        ("$", {"a": 1}, {"a": 1}),
        ("$.features", {"features": [1, 2]}, [1, 2]),
        ("$['a']['b'][0]", {"a": {"b": [5]}}, 5),
        ("$['id','b']", {"id": 1, "a": 2, "b": 3}, {"id": 1, "b": 3}),
        ("$.f.['a','b']", {"f": {"a": 1, "b": 2, "c": 3}}, {"a": 1, "b": 2}),
        ("$[1:]", [1, 2, 3], [2, 3]),
        ("$[-2:]", [1, 2, 3], [2, 3]),
        ("$[0:2]", [1, 2, 3], [1, 2]),
        ("$[0,-1]", [1, 2, 3], [1, 3]),
        ("$[0,5:]", [0, 1, 2, 3, 4, 5, 6], [0, 5, 6]),
        ("$[-1]", [1, 2, 3], 3),
        ("$.*", {"a": 1, "b": 2}, {"a": 1, "b": 2}),
        ("$.rows[*].x", {"rows": [{"x": 1}, {"x": 2}]}, [1, 2]),
    ],
)
def test_a_path_finds_one_value_or_the_several_as_one(path, value, found):
    assert Path(path).of(value) == found


@pytest.mark.parametrize("path, value", [("$.b", {"a": 1}), ("$[3]", [1]), ("$[0,3]", [1]), ("$['a','c']", {"a": 1})])
def test_what_is_not_there_is_an_error(path, value):
    with pytest.raises(NothingThere):
        Path(path).of(value)


@pytest.mark.parametrize("path", ["$..a", "$[?@.a]", "a.b", "", "$[", "$.a | $.b", "$[?length(@.a) > 1]"])
def test_only_the_documented_part_of_jsonpath_is_taken(path):
    with pytest.raises(BadPath):
        Path(path)


def processing(type="text/csv", split="Line", **given):
    return Processing({"InputFilter": "$", "OutputFilter": "$", "JoinSource": "None"} | given, type, split)


def test_rows_are_joined_at_their_end_and_keep_their_quotes():
    rows = processing(InputFilter="$[0,2]", JoinSource="Input", OutputFilter="$[1:]")
    records = [b'1,"a, b",3', b"4,,6"]
    assert rows.payload(records) == b"1,3\n4,6"
    assert rows.kept(records, b"x,1\ny,2\n") == [b'"a, b",3,x,1', b",6,y,2"]


def test_what_needs_no_look_is_not_looked_at():
    assert processing(InputFilter="$[0]").kept([b"1,2"], b"\xff\xfe") == [b"\xff\xfe"]
    assert processing(OutputFilter="$[0]").payload([b'"', b"2"]) == b'"\n2'


def test_a_record_that_is_no_object_becomes_a_member_itself():
    lines = processing("application/jsonlines", JoinSource="Input")
    assert lines.kept([b"[1]", b'{"a": "\xc3\xa9"}'], b"2\n3") == [
        b'{"SageMakerInput":[1],"SageMakerOutput":2}',
        b'{"a":"\xc3\xa9","SageMakerOutput":3}',
    ]


@pytest.mark.parametrize("answer", [b"", b"1\n2\n3", b"{"])
def test_answers_that_do_not_fit_their_records_are_errors(answer):
    with pytest.raises(BadData):
        processing("application/jsonlines", JoinSource="Input").kept([b"{}", b"{}"], answer)
