"""What needs neither a cloud nor torch nor Presidio: normalisation, the floor, calibration, the simulated texts."""

import ast
import re
from pathlib import Path

import botocore.session
import linear
import numpy as np
import pytest
import simulate
from calibrate import NONE, answers, calibrate, calibration_error, pool, temperature
from normalise import normalise

WORDS = {"red": "apple cherry rose", "blue": "sky sea berry", "green": "grass leaf frog"}


def test_normalisation_keeps_placeholders_and_takes_names_apart() -> None:
    assert normalise("Hi <PERSON>,  my PutObject FAILS!!!") == "hi <PERSON>, my put object fails!"
    assert normalise("ﬁle see https://x.example/a?b") == "file see link"


def test_the_floor_learns_and_is_read_back_from_its_arrays() -> None:
    texts = [f"{word} {other}" for words in WORDS.values() for word in words.split() for other in words.split()]
    labels = np.repeat([0, 1, 2], 9)

    model = linear.fit(texts, labels)

    assert (linear.scores(model, texts).argmax(1) == labels).all()
    assert set(model) == {"rarity", "weights", "intercepts"}


def test_what_training_never_saw_does_not_dilute_what_it_knows() -> None:
    model = linear.fit(["good fine", "bad poor"] * 4, np.array([0, 1] * 4))

    known, strange = (linear.weighed(linear.counted([text]), model["rarity"]) for text in ("fine", "fine xylophon"))

    column = known[:, : linear.WORDS].indices[0]
    assert strange[0, column] == pytest.approx(known[0, column]) == pytest.approx(1)


def test_two_classes_have_two_scores() -> None:
    model = linear.fit(["good fine", "bad poor"] * 4, np.array([0, 1] * 4))

    assert linear.scores(model, ["fine", "poor"]).argmax(1).tolist() == [0, 1]


def scores_of(rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    labels = rng.integers(4, size=count)
    scores = rng.normal(size=(count, 4))
    scores[np.arange(count), labels] += 2
    return scores, labels


def test_the_temperature_undoes_what_was_multiplied() -> None:
    scores, labels = scores_of(np.random.default_rng(0), 2000)

    assert temperature(scores * 5, labels) == pytest.approx(5 * temperature(scores, labels), rel=0.01)


def test_calibration_lowers_the_error_and_finds_other() -> None:
    rng = np.random.default_rng(1)
    scores, labels = scores_of(rng, 900)
    none = rng.normal(size=(300, 4)) * 0.3
    both, right = np.vstack([scores, none]) * 6, np.concatenate([labels, np.full(300, NONE)])

    found = calibrate(both, right)

    assert found.error < 0.05 and 0.25 < found.threshold < 0.95
    assert found.accuracy > (both.argmax(1) == right).mean()


def test_two_models_that_err_in_different_texts_are_better_together() -> None:
    rng = np.random.default_rng(4)
    first, labels = scores_of(rng, 900)
    second = rng.normal(size=first.shape)
    second[np.arange(900), labels] += 2
    noise = rng.normal(size=first.shape)

    one, two = pool(first * 3, second, labels)
    alone, nothing = pool(first, noise, labels)

    assert two == pytest.approx(3 * one, rel=0.2)  # each by what it is worth, whatever its scale
    both = one * first * 3 + two * second
    assert (both.argmax(1) == labels).mean() > (first.argmax(1) == labels).mean() + 0.05
    assert nothing < 0.15 * alone


def test_without_texts_of_no_class_there_is_no_threshold() -> None:
    assert calibrate(*scores_of(np.random.default_rng(2), 200)).threshold == 0


def test_certainty_that_is_right_has_no_calibration_error() -> None:
    assert calibration_error(np.eye(3), np.arange(3)) == 0
    assert answers(np.array([[0.6, 0.4], [0.5, 0.5]]), 0.55).tolist() == [0, NONE]


def test_no_operation_and_no_matter_is_in_two_parts_and_names_are_gone() -> None:
    dealt = simulate.deal(simulate.catalogue(botocore.session.get_session()), np.random.default_rng(5), 12)
    rows = simulate.simulate(5, 12)

    for what in (lambda each: each["operation"], lambda each: simulate.bare(each["matter"])):
        places = {(what(each), each["part"]) for each in dealt}
        assert len(places) == len({name for name, _ in places}) > 500
    assert {each["operation"]: each["part"] for each in rows} == {each["operation"]: each["part"] for each in dealt}
    assert {each["part"] for each in rows} == {"train", "validation", "test"}
    assert not [each for each in rows if each["label"] == "s3" and " S3 " in each["text"]]
    assert {each["part"] for each in rows if each["label"] == "other"} == {"validation", "test"}
    others = {part: {e["operation"].split(":")[0] for e in rows if e["label"] == "other" and e["part"] == part}
              for part in ("validation", "test")}  # fmt: skip
    assert not others["validation"] & others["test"]


def test_the_same_seed_gives_the_same_texts() -> None:
    assert simulate.simulate(5, 6) == simulate.simulate(5, 6)


def test_what_serves_needs_no_other_script_than_those_that_travel_with_the_model() -> None:
    folder = Path(linear.__file__).parent
    ours = {path.stem for path in folder.glob("*.py")}
    listed = ast.literal_eval(re.search(r"^SERVING = (\(.*?\))", (folder / "train.py").read_text(), re.M | re.S)[1])
    floor = ast.literal_eval(re.search(r"^FLOOR = (\(.*?\))", (folder.parent / "run.py").read_text(), re.M | re.S)[1])

    for names in (listed, floor):
        assert {f"{each}.py" for name in names for each in imported(folder / name) & ours} <= set(names)


def imported(path: Path) -> set[str]:
    """The modules that a script imports."""
    nodes = list(ast.walk(ast.parse(path.read_text())))
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return names | {str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)}
