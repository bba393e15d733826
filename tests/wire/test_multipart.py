"""Forms of browsers, whole and hostile: https://www.rfc-editor.org/rfc/rfc7578"""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skylab.wire import multipart

TYPE = "multipart/form-data; boundary=X"
NAMES = st.text(
    st.characters(codec="utf-8", exclude_categories=("C",), exclude_characters='"\\'), min_size=1, max_size=9
)
FORM = b'--X\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n'
FILE = b'--X\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\nbytes\r\n--X--\r\n'


def read(body, cuts=(), content_type=TYPE):
    """(fields, filename, the file's bytes or None) of a body that comes in the pieces between the cuts."""

    async def pieces():
        edges = [0, *sorted({cut % (len(body) + 1) for cut in cuts}), len(body)]
        for start, end in zip(edges, edges[1:], strict=False):
            yield body[start:end]

    async def go():
        form = await multipart.read(pieces() if cuts else body, content_type)
        file = None if form.file is None else b"".join([piece async for piece in form.file])
        return form.fields, form.filename, file

    return asyncio.run(go())


@settings(max_examples=150, deadline=None)
@given(
    st.dictionaries(NAMES.map(str.lower).filter(lambda name: name != "file"), st.text(max_size=30), max_size=5),
    st.binary(max_size=3000),
    st.lists(st.integers(0, 5000), max_size=6),
)
def test_a_form_in_any_pieces_is_what_was_sent(fields, content, cuts):
    content = content.replace(b"\r\n--X", b"")
    heads = [
        f'--X\r\ncontent-disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in fields.items()
    ]
    if any("\r\n--X" in value for value in fields.values()):
        return
    head = "".join(heads).encode() + b'--X\r\nContent-Disposition: form-data; name="FILE"; filename="p"\r\n\r\n'

    assert read(head + content + b"\r\n--X--\r\n", cuts) == (fields, "p", content)


@settings(max_examples=300, deadline=None)
@given(
    st.one_of(
        st.binary(max_size=300),
        st.lists(st.sampled_from([FORM, FILE, b"--X", b"\r\n", b"--", b"\0", b":"])).map(b"".join),
    )
)
def test_any_bytes_are_a_form_or_refused(body):
    try:
        read(body, (len(body) // 2,))
    except (multipart.Malformed, multipart.TooLarge):
        pass


@pytest.mark.parametrize("body", [
    b"", b"--X", FORM, FORM + FILE[:-8], FORM + FILE.replace(b"--X--", b"--Y--"), FORM + FORM + FILE, FILE[5:],
    FORM.replace(b'name="a"', b"") + FILE, FORM.replace(b"form-data", b"attachment") + FILE,
    FORM.replace(b'"a"', b'"\xff"') + FILE, FORM.replace(b"1", b"\xff") + FILE,
])  # fmt: skip
def test_what_is_cut_off_twice_there_or_nameless_is_no_form(body):
    with pytest.raises(multipart.Malformed):
        read(body)


@pytest.mark.parametrize(
    "content_type", ["", "text/plain", "multipart/form-data", "multipart/form-data; boundary=" + "x" * 300]
)
def test_a_form_needs_a_boundary(content_type):
    with pytest.raises(multipart.Malformed):
        read(FORM + FILE, content_type=content_type)


def test_fields_and_what_is_behind_the_file_are_bounded_and_the_file_is_not():
    with pytest.raises(multipart.TooLarge):
        read(FORM.replace(b"1", b"1" * 30_000) + FILE)
    more = FILE.removesuffix(b"--X--\r\n") + FORM.replace(b"1", b"1" * 50_000) + b"--X--\r\n"
    with pytest.raises(multipart.TooLarge):
        read(more)
    assert read(FORM + FILE.replace(b"bytes", b"b" * 3_000_000))[2] == b"b" * 3_000_000
    assert read(FORM + FILE.removesuffix(b"--X--\r\n") + FORM + b"--X--\r\n") == ({"a": "1"}, "f", b"bytes")


def test_a_form_without_a_file_has_none():
    assert read(FORM + b"--X--\r\n") == ({"a": "1"}, "", None)
