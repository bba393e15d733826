"""Network, augmentation, training, export and serving, small."""

import base64
import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import synthetic

torch = pytest.importorskip("torch")
import augment  # noqa: E402
import network  # noqa: E402
import train  # noqa: E402
import views  # noqa: E402

MODEL = Path(__file__).resolve().parents[1] / "model"


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    """Folders train and validation, of two classes that are told apart at once."""
    folder = tmp_path_factory.mktemp("parts")
    for name, seed in {"train": 1, "validation": 2}.items():
        kinds = ["none", "stain"] * 12
        images = synthetic.dataset(kinds, seed, synthetic.products(1, 5))["images"]
        (folder / name).mkdir()
        labels = np.array([kind == "stain" for kind in kinds]).astype(int)
        np.savez(folder / name / "pictures.npz", images=images, labels=labels, classes=["none", "stain"])
    return folder


def test_the_network_has_a_few_hundred_thousand_parameters():
    assert 3e5 < sum(value.numel() for value in network.Classifier(6).parameters()) < 6e5


def test_weights_come_back_within_half_precision(tmp_path):
    one, other = network.Backbone(), network.Backbone()
    network.save(one, tmp_path / "weights.npz")
    network.load(other, tmp_path / "weights.npz")
    for kept, back in zip(one.state_dict().values(), other.state_dict().values(), strict=True):
        assert torch.allclose(kept.float(), back.float(), rtol=1e-3, atol=1e-6)


def test_the_committed_backbone_is_small_fits_and_has_its_log():
    assert (MODEL / "backbone.npz").stat().st_size <= 6e6
    network.load(network.Backbone(), MODEL / "backbone.npz")
    assert "kind" in (MODEL / "backbone.log").read_text()


@pytest.mark.parametrize("name", augment.NAMES)
def test_each_augmentation_changes_pictures_and_keeps_answers_a_distribution(name):
    rng = torch.Generator().manual_seed(0)
    x, y = torch.randn(8, 1, 96, 96), torch.eye(4)[torch.arange(8) % 4]
    changed = [augment.augmented(x, y, [name], rng) for _ in range(8)]
    assert any(not torch.equal(a, x) for a, _ in changed)
    assert all(a.shape == x.shape and torch.allclose(b.sum(1), torch.ones(8)) for a, b in changed)
    mixed = any(not torch.equal(b, y) for _, b in changed)
    assert mixed == (name in ("mixup", "cutmix"))


def test_an_unknown_augmentation_is_named():
    with pytest.raises(ValueError, match="blur"):
        augment.chosen("geometric,blur")
    assert augment.chosen("none") == [] and augment.chosen("all") == list(augment.NAMES)


def test_training_lowers_the_loss_and_the_same_seed_ends_alike(parts):
    images, labels, _ = train.read(parts / "train")
    losses = []
    how = {"epochs": 4, "batch": 8, "rate": 1e-3, "augment": "none", "told": lambda *said: losses.append(said[1])}
    one, other = (train.fit(images, labels, 2, **how)[0] for _ in range(2))
    assert losses[3] < losses[0] and losses[:4] == losses[4:]
    assert np.array_equal(train.logits(one, images), train.logits(other, images))


@pytest.mark.parametrize("pictures", [10, 24])
def test_as_many_steps_are_taken_as_asked_for_and_they_are_counted(parts, pictures):
    images, labels, _ = train.read(parts / "train")
    told = []
    how = {"batch": 16, "augment": "none", "steps": 7, "told": lambda *said: told.append(said[0])}
    _, done = train.fit(images[:pictures], labels[:pictures], 2, **how)
    assert done == 7 and told == [1]
    order = torch.Generator().manual_seed(0)
    assert [len(places) for [*deal] in train.dealt(pictures, 16, 1, 7, order) for places in deal] == [16] * 7
    assert train.fit(images, labels, 2, batch=8, epochs=2)[1] == 6


@pytest.mark.parametrize("steps", [1, 2, 3, 4, 9])
def test_a_handful_of_steps_has_a_schedule_too(steps):
    made, schedule = train.optimiser(train.beginning(2, None, 7, 0), 0.01, 1.0, steps)
    rates = []
    for _ in range(steps):
        rates.append(schedule.get_last_lr()[-1])
        made.step()
        schedule.step()
    assert all(0 < rate <= 0.01 for rate in rates)


def test_instances_begin_alike_and_draw_their_own_dropout():
    drawn, weights = [], []
    for rank in (0, 1):
        model = train.beginning(2, None, 7, rank)
        weights.append(model.head[1].weight.detach())
        drawn.append(torch.nn.functional.dropout(torch.ones(64), 0.5))
    assert torch.equal(*weights) and not torch.equal(*drawn)


def test_all_pictures_are_dealt_anew_by_another_seed_as_the_first_split_was(tmp_path):
    import parts as dealt

    tones = np.repeat(np.arange(80, dtype=np.uint8), 96 * 96).reshape(80, 96, 96)
    of = {"train": np.arange(32), "validation": np.arange(32, 40), "test": np.arange(40, 80)}
    data = dealt.Data({name: (tones[places], places % 2) for name, places in of.items()}, ["a", "b"])
    again, same = data.again(1), data.again(1)
    seen = np.concatenate([part[0][:, 0, 0] for part in again.parts.values()])
    assert data.again(0) is data and sorted(seen) == list(range(80))
    assert {name: len(part[0]) for name, part in again.parts.items()} == {"train": 32, "validation": 8, "test": 40}
    assert np.array_equal(again.test, same.test) and not np.array_equal(again.test, data.test)
    assert np.array_equal(again.truth, again.test[:, 0, 0] % 2)


def test_the_answer_is_the_same_however_the_surface_lies(parts):
    images, model = train.read(parts / "train")[0], train.beginning(2, None, 1, 0).eval()
    found = train.all_views(model, images)
    kept = {view[0].tobytes() for view in views.views(images)}
    assert len(kept) == 8 and views.views(images)[0].tobytes() == images.tobytes()
    for turned in (np.rot90(images, 1, (1, 2)), images[:, ::-1], images[:, :, ::-1]):
        assert np.allclose(train.all_views(model, turned), found, atol=1e-4)
    assert not np.allclose(train.logits(model, np.rot90(images, 1, (1, 2))), train.logits(model, images), atol=1e-4)


def test_a_trained_network_is_packaged_and_serves_what_it_answers(parts, tmp_path):
    pytest.importorskip("onnxruntime"), pytest.importorskip("onnx"), pytest.importorskip("PIL")
    told = ["--train", parts / "train", "--validation", parts / "validation"]
    script(MODEL / "train.py", *told, "--epochs", 2, "--model-dir", tmp_path / "members" / "one")
    script(MODEL / "package.py", *told, "--members", tmp_path / "members", "--model-dir", tmp_path / "out")

    import inference

    served = inference.model_fn(str(tmp_path / "out"))
    parity = served.settings["parity"]
    assert parity["onnx: largest difference"] < 1e-4 and parity["int8: same decision"] > 0.8
    small, full = (tmp_path / "out" / f"one.{precision}.onnx" for precision in ("int8", "fp32"))
    assert small.stat().st_size < full.stat().st_size / 2
    records = inference.input_fn(line("a", parts) + line("b", parts), "application/jsonlines")
    text, kind = inference.output_fn(inference.predict_fn(records, served), "application/jsonlines")
    first, second = map(json.loads, text.splitlines())
    assert kind == "application/jsonlines" and [first.pop("id"), second.pop("id")] == ["a", "b"] and first == second
    assert sum(first["int8"]) == pytest.approx(1, abs=1e-4) and first["label"] in ("none", "stain")
    with pytest.raises(ValueError, match="text/csv is not supported"):
        inference.input_fn(b"1,2", "text/csv")
    with pytest.raises(ValueError, match="cannot be read"):
        inference.input_fn(b"no picture", "image/png")


def line(name, parts):
    from PIL import Image

    held = io.BytesIO()
    Image.fromarray(train.read(parts / "train")[0][0]).save(held, "PNG")
    return json.dumps({"id": name, "image": base64.b64encode(held.getvalue()).decode(), "detail": True}) + "\n"


def script(*argv):
    done = subprocess.run([sys.executable, *map(str, argv)], capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr[-2000:]
