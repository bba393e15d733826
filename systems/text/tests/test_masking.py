"""Masking: the tagger, the recognisers, and how finds are counted."""

import gzip
from pathlib import Path
from types import SimpleNamespace

import judge
import numpy as np
import people
import pytest
from letters import Span, fill, lessons
from mask import Masker, learnt, uncovered


@pytest.fixture(scope="module")
def masker() -> Masker:
    return Masker(learnt(count=900))


def test_facts_become_placeholders_and_the_rest_stays(masker: Masker) -> None:
    told = "my name is Maria Fischer, call 555-123-4567 or mail maria@example.com about card 4111 1111 1111 1111"

    masked = masker.mask(told)

    assert masked == "my name is <PERSON>, call <CONTACT> or mail <CONTACT> about card <NUMBER>"


def test_people_it_never_met_are_found(masker: Masker) -> None:
    found = judge.judge(masker, lessons(120, 7, ("new",)))

    assert found["scores"]["f2"]["value"] > 0.93
    assert found["scores"]["precision"]["value"] > 0.9


def test_a_number_with_a_wrong_check_digit_is_masked_all_the_same(masker: Masker) -> None:
    assert masker.mask("card 4111 1111 1111 1112") == "card <NUMBER>"


def test_a_question_without_facts_is_left_alone(masker: Masker) -> None:
    plain = "how do i restore a table from its backup to an earlier point in time?"

    assert masker.mask(plain) == plain


def test_of_two_facts_that_overlap_nothing_stays_in_the_open(masker: Masker, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "see Ana Ruiz Main Street 5, thanks"
    found = [("PERSON", text.index("Ana"), text.index(" Street")), ("ADDRESS", text.index("Main"), text.index(","))]
    told = [SimpleNamespace(entity_type=kind, start=a, end=b, score=0.5) for kind, a, b in found]
    monkeypatch.setattr(masker, "analyzer", SimpleNamespace(analyze=lambda **_: told))

    assert masker.mask(text) == "see <PERSON> <ADDRESS>, thanks"


def test_what_is_left_of_a_place_begins_and_ends_with_a_word() -> None:
    text = "Ana, 5 Main, Leo."

    assert uncovered(text, 0, len(text), [Span(5, 11, "ADDRESS")]) == [(0, 3), (13, 16)]
    assert uncovered(text, 3, 6, [Span(4, 11, "ADDRESS")]) == []
    assert uncovered(text, 0, 3, [Span(5, 11, "ADDRESS")]) == [(0, 3)]


def test_a_masker_is_kept_under_the_name_of_what_made_it(tmp_path: Path) -> None:
    learnt(tmp_path, count=20)
    learnt(tmp_path, count=20)
    learnt(tmp_path, count=21)

    assert len([path.name for path in tmp_path.iterdir()]) == 2


def test_names_to_be_judged_on_are_in_no_list_and_no_lesson() -> None:
    sides = {name: people.side(name) for name in people.lists()["last"]}

    assert set(sides.values()) == {"known", "seen", "new"}
    assert not set(people.on("last", ("new",))) & set(people.on("last", ("known", "seen")))


def test_spans_of_invented_texts_are_where_the_facts_are() -> None:
    text, spans = fill("{first} pays with {card}.", people.People(np.random.default_rng(1), ("known",)))

    assert [each.entity for each in spans] == ["PERSON", "CREDIT_CARD"]
    assert text == f"{text[slice(*spans[0][:2])]} pays with {text[slice(*spans[1][:2])]}."


def test_a_file_that_is_no_set_of_sentences_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with gzip.open(tmp_path / judge.FILE, "wt") as file:
        file.write('[{"text": "nothing"}]')

    with pytest.raises(SystemExit) as ended:
        judge.real(tmp_path)

    assert ended.value.code == 2 and "KeyError: 'full_text'" in capsys.readouterr().err


def test_recall_weighs_four_times_in_f2() -> None:
    assert judge.scores(np.array([8, 2, 0]))["f2"] == pytest.approx(5 * 8 / (5 * 8 + 2))
    assert judge.scores(np.array([8, 0, 2]))["f2"] == pytest.approx(5 * 8 / (5 * 8 + 8))


def test_a_word_counts_where_it_overlaps_a_span() -> None:
    assert judge.inside((4, 8), [Span(6, 12, "PERSON")]) == "PERSON"
    assert judge.inside((4, 6), [Span(6, 12, "PERSON")]) == ""
