"""The generator, the split, and the changes that augmentation makes."""

import defects
import numpy as np
import prepare
import pytest
import synthetic
import textures

KINDS = [*defects.KINDS, *defects.UNSEEN]


def test_the_same_seed_gives_the_same_pictures_and_another_one_others():
    one, same, other = (synthetic.dataset(["none", "crack", "pit"], seed) for seed in (3, 3, 4))
    for name, values in one.items():
        assert np.array_equal(values, same[name])
    assert not np.array_equal(one["images"], other["images"])


@pytest.mark.parametrize("kind", KINDS)
def test_a_defect_changes_the_surface_inside_its_mask_more_than_outside(kind):
    for seed in range(5):
        change, mask = synthetic.DRAW[kind](np.random.default_rng(seed))
        assert change.shape == mask.shape == (textures.SIZE, textures.SIZE)
        if mask.any():
            assert np.abs(change[mask]).mean() > 3 * np.abs(change[~mask]).mean()


def test_masks_are_small_parts_of_pictures_and_a_good_picture_has_none():
    made = synthetic.dataset(list(synthetic.CLASSES) * 5, 0)
    covered = made["masks"].mean((1, 2)).reshape(5, -1).mean(0)
    assert covered[0] == 0 and (covered[1:] > 0.002).all() and (covered[1:] < 0.4).all()


def test_every_family_of_texture_is_drawn_with_mean_0_and_deviation_1():
    rng = np.random.default_rng(0)
    for family in textures.FAMILIES:
        surface = textures.texture(textures.Material(family, 0.3, 4.0, 1.0, 0.5, 0.1), rng)
        assert abs(surface.mean()) < 1e-4 and abs(surface.std() - 1) < 1e-3


def test_more_light_blur_and_noise_are_drawn_each_time():
    of = textures.Material("cast", 0.3, 4.0, 1.0, 0.5, 0.1)
    surface = textures.texture(of, np.random.default_rng(0))
    first, second = (textures.exposed(surface, of, np.random.default_rng(seed)) for seed in (1, 2))
    assert first.dtype == np.uint8 and not np.array_equal(first, second)


def test_only_the_simulated_test_part_has_the_unseen_defect():
    parts, classes = prepare.simulated(0, 4, 21)
    assert classes == list(synthetic.CLASSES) and len(parts["test"][1]) == 21
    assert (parts["test"][1] == -1).sum() == 3
    assert all((parts[name][1] >= 0).all() for name in ("train", "validation"))


def test_raw_files_are_halved_by_class_and_no_file_is_in_two_parts(tmp_path):
    image = pytest.importorskip("PIL.Image")
    for label, name in enumerate(("bad", "good")):
        (tmp_path / "train" / name).mkdir(parents=True)
        for i in range(20):
            tone = np.full((50, 40), 100 * label + 4 * i, np.uint8)
            image.fromarray(tone).save(tmp_path / "train" / name / f"{i}.png")

    parts, classes = prepare.of_files(tmp_path, 0)

    assert classes == ["bad", "good"]
    assert {name: len(labels) for name, (_, labels) in parts.items()} == {"train": 16, "validation": 4, "test": 20}
    tones = np.concatenate([images[:, 0, 0] for images, _ in parts.values()])
    assert len(set(tones.tolist())) == 40
