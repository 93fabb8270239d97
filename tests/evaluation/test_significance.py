"""Intervals that hold the truth as often as they say, and p-values as scipy has them."""


import numpy as np
import pytest
from scipy import stats

from asr.evaluation.significance import RESAMPLES, difference, interval, matched_pairs

WORDS, RATE = 12, 0.08


def _errors(draw: np.random.Generator, utterances: int, spread: float = 20.0) -> np.ndarray:
    """Errors in utterances of WORDS words whose difficulties differ, RATE on average."""
    return draw.binomial(WORDS, draw.beta(RATE * spread, (1 - RATE) * spread, utterances))


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    draw, trials = np.random.default_rng(1), 1000
    found = [interval(_errors(draw, 150), [WORDS] * 150) for _ in range(trials)]
    held = sum(f.low <= RATE <= f.high for f in found if f is not None) / trials
    assert 0.93 <= held <= 0.97, held


def test_the_interval_over_speakers_holds_the_truth_where_their_rates_differ() -> None:
    draw, trials, speakers, each = np.random.default_rng(2), 300, 60, 5
    names = np.repeat([f"s{i:02d}" for i in range(speakers)], each).tolist()
    held, held_by_rows = 0, 0
    for _ in range(trials):
        rates = np.repeat(draw.beta(RATE * 20, (1 - RATE) * 20, speakers), each)
        errors, lengths = draw.binomial(WORDS, rates), [WORDS] * len(rates)
        grouped, rows = interval(errors, lengths, names), interval(errors, lengths)
        assert grouped is not None and rows is not None
        held += grouped.low <= RATE <= grouped.high
        held_by_rows += rows.low <= RATE <= rows.high
    assert 0.92 <= held / trials <= 0.975, held / trials  # a percentile interval of 60 draws is a little narrow
    assert held_by_rows < held  # utterances of one speaker are no independent draws


def test_the_interval_is_that_of_scipy() -> None:
    errors, lengths = _errors(np.random.default_rng(3), 150), np.random.default_rng(4).integers(5, 25, 150)
    ours = interval(errors, lengths)
    theirs = stats.bootstrap(
        (errors, lengths), lambda e, n, axis: e.sum(axis) / n.sum(axis), paired=True, method="percentile",
        n_resamples=RESAMPLES, rng=5,
    ).confidence_interval  # fmt: skip
    assert ours is not None
    assert [ours.low, ours.high] == pytest.approx([theirs.low, theirs.high], abs=0.0015)


@pytest.mark.parametrize("shift", [0.0, 0.01, 0.05])
def test_matched_pairs_are_scipys_z_test(shift: float) -> None:
    draw = np.random.default_rng(6)
    values = draw.poisson(1.0, 400) - draw.poisson(1.0 + shift, 400)
    z, p = matched_pairs(values)
    t = stats.ttest_1samp(values, 0.0)
    assert z == pytest.approx(t.statistic)  # the same statistic, looked up in the normal distribution
    assert p == pytest.approx(2 * stats.norm.sf(abs(z)))
    assert p == pytest.approx(t.pvalue, abs=0.003)


def test_matched_pairs_by_hand() -> None:
    z, p = matched_pairs([1, 0, 1, 0, 1, 0, 1, 0])  # mean 0.5, deviation √(2/7)
    assert z == pytest.approx(0.5 / np.sqrt(2 / 7 / 8))
    assert matched_pairs([0, 0, 0]) == (0.0, 1.0) and matched_pairs([5]) == (0.0, 1.0)
    assert matched_pairs([1, 1, 1]) == (np.inf, 0.0)
    assert 2 * stats.norm.sf(1.959964) == pytest.approx(0.05, abs=1e-6) and p == pytest.approx(2 * stats.norm.sf(z))


def test_p_values_are_uniform_where_nothing_differs() -> None:
    draw, trials = np.random.default_rng(7), 500
    found = [difference(_errors(draw, 150), _errors(draw, 150), [WORDS] * 150) for _ in range(trials)]
    for name in ("p_bootstrap", "p_matched"):
        small = np.mean([getattr(f, name) < 0.05 for f in found])
        assert 0.03 <= small <= 0.07, (name, small)
    assert max(abs(f.p_bootstrap - f.p_matched) for f in found) < 0.06


def test_a_difference_is_seen_and_its_sign_told() -> None:
    draw = np.random.default_rng(8)
    worse = _errors(draw, 500)
    better = draw.binomial(worse, 0.7)
    found, other = difference(worse, better, [WORDS] * 500), difference(better, worse, [WORDS] * 500)
    assert found.shown and found.rate < 0 and found.interval.high < 0
    assert other.rate == -found.rate and other.p_matched == found.p_matched
    same = difference(worse, worse, [WORDS] * 500)
    assert (same.rate, same.p_bootstrap, same.p_matched, same.shown) == (0.0, 1.0, 1.0, False)


def test_nothing_to_draw_from() -> None:
    assert interval([], []) is None and interval([1], [5]) is None and interval([1, 0], [0, 0]) is None
    assert interval([1, 0, 2], [5, 5, 5], ["a", "b", "c"]) is None  # three speakers
    assert interval([1, 0, 2, 1, 1], [5] * 5, list("abcde")) is not None
    assert not difference([1], [2], [0]).shown


def test_the_same_errors_have_the_same_interval() -> None:
    errors = _errors(np.random.default_rng(9), 2620)
    assert interval(errors, [WORDS] * 2620) == interval(errors, [WORDS] * 2620)
