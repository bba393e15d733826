"""The season taken out, damped, and put back; what members see of it."""

import members
import numpy as np
import pytest
import seasons

WEEKS = 365.25 / 7


def weekly(years, noise=0.0, seed=1):
    """A wave of a year, 52.18 weeks long, on a level of 100; the factors of all weeks and of 13 more."""
    length = round(years * WEEKS)
    wave = np.exp(0.3 * np.sin(2 * np.pi * np.arange(length + 13) / WEEKS))
    rng = np.random.default_rng(seed)
    return 100 * wave[:length] * np.exp(rng.normal(0, noise, length)), wave


def test_a_year_of_weeks_is_taken_out_and_put_back():
    y, wave = weekly(8)

    flat, ahead = seasons.adjusted(y, 52, 13)

    assert np.ptp(flat[26:-26]) < 0.1 * np.ptp(y) and ahead == pytest.approx(wave[-13:], rel=0.03)
    assert members.forecast("naive2", y, 1, 13, 52)[0] == pytest.approx(np.full(13, y[-1]))


def test_a_season_that_chance_has_drawn_is_damped():
    y = 100 * np.exp(np.random.default_rng(3).normal(0, 0.2, 120))

    flat, ahead = seasons.adjusted(y, 12, 18)

    assert np.abs(np.log(ahead)).max() < 0.05 and flat == pytest.approx(y, rel=0.1)


def test_a_season_that_changed_follows_the_last_cycles():
    old, new = np.array([0.8, 1.2, 1.1, 0.9]), np.array([1.2, 0.8, 0.9, 1.1])
    y = 100 * np.r_[np.tile(old, 8), np.tile(new, 6)]

    _, ahead = seasons.adjusted(y, 4, 4)

    assert (np.sign(ahead - 1) == np.sign(new - 1)).all()


@pytest.mark.parametrize("y", [np.arange(9.0), np.ones(8), np.r_[np.ones(20), 0.0, np.ones(20)]])
def test_no_season_is_known_of_a_short_history_or_one_with_zeros(y):
    assert seasons.adjusted(y, 4, 4) is None
    kept, season, after = members.seen("theta", y, 4, 4, 4)
    assert (kept == y).all() and season == 4 and (after == 1).all()


def test_who_models_the_season_sees_it_and_others_do_not():
    y = 100 * np.tile([0.8, 1.2, 1.1, 0.9], 10)

    assert members.seen("ets", y, 4, 4, 4)[1] == 4 and members.seen("theta", y, 4, 4, 4)[1] == 1
    assert members.seen("ets", weekly(5)[0], 1, 13, 52)[0].std() < 0.2 * weekly(5)[0].std()
