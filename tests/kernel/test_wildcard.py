from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skylab.kernel.wildcard import like


@given(st.text(alphabet="ab*?", max_size=8), st.text(alphabet="ab", max_size=8))
def test_it_agrees_with_the_shells_patterns(pattern, text):
    assert like(pattern, text) == fnmatchcase(text, pattern)


@pytest.mark.parametrize("pattern", ["*a" * 500 + "b", "*" * 1000 + "b"])
def test_no_pattern_takes_for_ever(pattern):
    assert not like(pattern, "a" * 2000)


def test_the_sign_for_one_character_may_be_none():
    assert like("a?*", "a?b", single="") and not like("a?", "ab", single="")


@pytest.mark.parametrize("pattern", ["*?" + "a" * 3000 + "b", "*" + "?a" * 1500 + "b*", "*?" * 2000 + "b"])
def test_nor_does_one_with_signs_for_one_character(pattern):
    assert not like(pattern, "a" * 8000)
    assert not like([*pattern], "a" * 8000)


def test_a_sign_for_one_character_is_also_a_line_break():
    assert like("a?b*", "a\nb") and like("*?", "\n") and not like("?", "")
