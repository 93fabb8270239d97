"""Calibration finds what was planted, never makes matters worse, and stays finite."""

import math

import numpy as np
import pytest

from asr.inference.calibration import fit_calibration, log_loss
from asr.inference.confidence import confidence


def _planted(slope: float, offset: float, words: int, seed: int = 0) -> tuple[list[float], list[bool]]:
    rng = np.random.default_rng(seed)
    scores = np.log(rng.uniform(0.02, 0.98, words))
    return scores.tolist(), [bool(rng.random() < confidence(s, slope, offset)) for s in scores]


@pytest.mark.parametrize("slope, offset", [(1.0, 0.0), (2.0, -1.0), (0.5, 1.5), (1.7, 0.6)])
def test_planted_slope_and_offset_are_recovered(slope: float, offset: float) -> None:
    scores, right = _planted(slope, offset, 40_000)
    assert fit_calibration(scores, right) == pytest.approx((slope, offset), abs=0.06)


@pytest.mark.parametrize("seed", range(30))
def test_never_worse_where_it_was_fitted(seed: int) -> None:
    rng = np.random.default_rng(seed)
    words = int(rng.integers(1, 12))
    scores = np.log(rng.uniform(1e-6, 1.0, words)).tolist()
    right = [bool(x) for x in rng.random(words) < rng.random()]
    slope, offset = fit_calibration(scores, right)
    assert slope >= 0
    assert log_loss(scores, right, slope, offset) <= log_loss(scores, right) + 1e-9


def test_words_all_right_do_not_explode() -> None:
    scores = np.log(np.random.default_rng(0).uniform(0.5, 1.0, 1000)).tolist()
    slope, offset = fit_calibration(scores, [True] * 1000)
    assert math.isfinite(slope) and math.isfinite(offset) and abs(slope) < 20 and abs(offset) < 20
    assert fit_calibration([], []) == (1.0, 0.0)
    assert all(map(math.isfinite, fit_calibration([0.0, -math.inf, -50.0], [False, True, False])))


def test_a_higher_probability_never_means_less() -> None:
    """Scores that mislead leave the rate of right words alone."""
    slope, offset = fit_calibration(np.log([0.9] * 40 + [0.1] * 40).tolist(), [False] * 40 + [True] * 40)
    assert slope == 0 and offset == pytest.approx(0.0, abs=1e-6)


def test_log_loss_by_hand() -> None:
    expected = -(math.log(0.8) + math.log(1 - 0.3)) / 2
    assert log_loss([math.log(0.8), math.log(0.3)], [True, False]) == pytest.approx(expected)
    assert log_loss([], []) == 0.0
