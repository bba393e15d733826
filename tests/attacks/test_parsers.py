"""The parsers of strangers' bytes, by Hypothesis and for a moment; fuzz/run.py does it by coverage and for longer."""

import pytest
from fuzz_targets import SEEDS, TARGETS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

FOUND: dict[str, list[bytes]] = {name: [] for name in TARGETS}  # what fuzzing has found, and was mended


def changed(seeds):
    """A right input with some of it cut, put twice, or overwritten."""
    at = st.integers(0, 4096)

    def change(seed, cuts):
        for where, length, put in cuts:
            begin = where % (len(seed) + 1)
            seed = seed[:begin] + put + seed[begin + length :]
        return seed

    put = st.one_of(
        st.binary(max_size=8), st.sampled_from([b"", b"\0", b"\r\n", b"&", b";", b"=", b"%", b"<", b'"', b"{", b"["])
    )
    return st.builds(change, st.sampled_from(seeds), st.lists(st.tuples(at, st.integers(0, 16), put), max_size=4))


@pytest.mark.parametrize("name", TARGETS)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_any_bytes_are_read_or_refused_in_words(name, data):
    TARGETS[name](data.draw(st.one_of(st.binary(max_size=600), changed(SEEDS[name]))))


@pytest.mark.parametrize("name", TARGETS)
def test_what_is_right_is_read_and_what_was_found_once_is_refused(name):
    for data in SEEDS[name] + FOUND[name]:
        TARGETS[name](data)
