"""Intervals that hold the truth as often as they say, and p-values as scipy has them."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import stats

from asr.evaluation import significance
from asr.evaluation.matched import holm, matched_pairs
from asr.evaluation.significance import RESAMPLES, difference, interval

WORDS, RATE = 12, 0.08


def _errors(draw: np.random.Generator, utterances: int, spread: float = 20.0) -> np.ndarray:
    """Errors in utterances of WORDS words whose difficulties differ, RATE on average."""
    return draw.binomial(WORDS, draw.beta(RATE * spread, (1 - RATE) * spread, utterances))


def _held(trials: int, groups: int, draw: Callable[[np.random.Generator], tuple[Any, Any, Any]]) -> float:
    """The share of simulated corpora whose interval holds the rate they were drawn with."""
    generator, held = np.random.default_rng(groups), 0
    for _ in range(trials):
        errors, lengths, names = draw(generator)
        found = interval(errors, lengths, names)
        held += found is not None and found.low <= RATE <= found.high
    return held / trials


# Percentile intervals held it in 80, 89, 90 and 94 % over so many utterances, in 82, 88, 91 and 94 % over speakers
@pytest.mark.parametrize(
    "groups, low, high", [(5, 0.90, 0.99), (10, 0.925, 0.975), (20, 0.93, 0.97), (150, 0.93, 0.97)]
)
@pytest.mark.parametrize("over", ["utterances", "speakers"])
def test_the_interval_holds_the_truth_as_often_as_it_says(
    monkeypatch: pytest.MonkeyPatch, groups: int, low: float, high: float, over: str
) -> None:
    monkeypatch.setattr(significance, "RESAMPLES", 2000)

    def utterances(draw: np.random.Generator) -> tuple[Any, Any, None]:
        lengths = draw.integers(2, 30, groups)
        return draw.binomial(lengths, draw.beta(RATE * 20, (1 - RATE) * 20, groups)), lengths, None

    def speakers(draw: np.random.Generator) -> tuple[Any, Any, list[str]]:
        each = draw.integers(4, 12, groups)
        rates = np.repeat(draw.beta(RATE * 20, (1 - RATE) * 20, groups), each)
        lengths = draw.integers(2, 30, len(rates))
        return draw.binomial(lengths, rates), lengths, np.repeat([f"s{i:03d}" for i in range(groups)], each).tolist()

    held = _held(1500, groups, utterances if over == "utterances" else speakers)
    assert low <= held <= high, held


def test_utterances_of_one_speaker_are_no_independent_draws() -> None:
    draw = np.random.default_rng(2)
    names = np.repeat([f"s{i:02d}" for i in range(40)], 20).tolist()
    errors = draw.binomial(WORDS, np.repeat(draw.beta(RATE * 20, (1 - RATE) * 20, 40), 20))
    grouped, rows = interval(errors, [WORDS] * 800, names), interval(errors, [WORDS] * 800)
    assert grouped is not None and rows is not None
    assert grouped.high - grouped.low > 1.5 * (rows.high - rows.low)


def _studentised(errors: np.ndarray, lengths: np.ndarray) -> list[float]:
    """The same interval with numpy's random numbers, a resample at a time."""
    draw, root = np.random.default_rng(5), lambda e, n: np.sqrt((e.sum() + 0.5) / n.sum())

    def error(e: np.ndarray, n: np.ndarray) -> float:
        residuals = e - e.sum() / n.sum() * n
        return np.sqrt(np.sum(residuals**2) + 0.25) / n.sum() / (2 * root(e, n))

    drawn = [draw.integers(0, len(errors), len(errors)) for _ in range(RESAMPLES)]
    away = [(root(errors[i], lengths[i]) - root(errors, lengths)) / error(errors[i], lengths[i]) for i in drawn]
    ends = root(errors, lengths) - np.quantile(away, [0.975, 0.025]) * error(errors, lengths)
    return (ends**2 - 0.5 / lengths.sum()).tolist()


def test_the_interval_is_a_studentised_bootstrap() -> None:
    errors, lengths = _errors(np.random.default_rng(3), 60), np.random.default_rng(4).integers(12, 25, 60)
    ours = interval(errors, lengths)
    assert ours is not None and [ours.low, ours.high] == pytest.approx(_studentised(errors, lengths), abs=0.002)


def test_with_many_utterances_the_interval_is_that_of_scipy() -> None:
    errors, lengths = _errors(np.random.default_rng(3), 2000), np.random.default_rng(4).integers(12, 25, 2000)
    ours = interval(errors, lengths)
    theirs = stats.bootstrap(
        (errors, lengths), lambda e, n, axis: e.sum(axis) / n.sum(axis), paired=True, method="percentile",
        n_resamples=2000, rng=5,
    ).confidence_interval  # fmt: skip
    assert ours is not None
    assert [ours.low, ours.high] == pytest.approx([theirs.low, theirs.high], abs=0.0004)


@pytest.mark.parametrize("count", [5, 20, 100])
def test_no_interval_calls_anything_certain(count: int) -> None:
    words = 5 * count
    none, all_wrong = interval([0] * count, [5] * count), interval([5] * count, [5] * count)
    alike, few = interval([1] * count, [5] * count), interval([1] + [0] * (count - 1), [5] * count)
    assert none is not None and all_wrong is not None and alike is not None and few is not None
    assert none.low == 0 and 3 / words < none.high < 8 / words  # the rule of three, of up to two words as one
    assert all_wrong.low == pytest.approx(1 - none.high) and all_wrong.high == pytest.approx(1)
    wilson = stats.binomtest(count, words).proportion_ci(method="wilson")
    assert alike.low <= wilson.low + 1e-3 and alike.high >= wilson.high - 1e-3
    assert 0 <= few.low < 1 / words < few.high and few.high > 0.75 * none.high


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
    z, p = matched_pairs([1, 0, 1, 0, 1, 0, 1, 0] * 13)  # mean 0.5, deviation √(26 / 103)
    assert z == pytest.approx(0.5 / np.sqrt(26 / 103 / 104)) and p == pytest.approx(2 * stats.norm.sf(z))
    assert 2 * stats.norm.sf(1.959964) == pytest.approx(0.05, abs=1e-6)
    assert matched_pairs([]) == matched_pairs([0, 0, 0]) == matched_pairs([5]) == (None, 1.0)
    assert matched_pairs([1, 1]) == (None, 0.5) and matched_pairs([1, 1, 1]) == (None, 0.25)
    assert matched_pairs([1] * 60) == (None, 0.5**59)  # no deviation to measure the mean in


@pytest.mark.parametrize(
    "values", [[1, 2], [1, 1, 2], [2, -1, 3, 1, 0, 1], [1, 1, 1, 1, 1, 1], [3, -3, 1], [4, 1, -2, 0, 5, 3]]
)
def test_of_few_segments_the_test_is_scipys_exact_one(values: list[int]) -> None:
    theirs = stats.permutation_test((np.array(values),), np.sum, permutation_type="samples", n_resamples=np.inf)
    assert matched_pairs(values) == (None, pytest.approx(theirs.pvalue))


@pytest.mark.parametrize("count", [2, 3, 5, 10, 20, 150])
def test_hardly_ever_is_a_difference_shown_where_there_is_none(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    monkeypatch.setattr(significance, "RESAMPLES", 2000)
    draw, trials, shown = np.random.default_rng(count), 1000, dict.fromkeys(("p_bootstrap", "p_matched", "p"), 0)
    for _ in range(trials):
        lengths, rates = draw.integers(2, 30, count), draw.beta(RATE * 20, (1 - RATE) * 20, count)
        a, b = draw.binomial(lengths, rates), draw.binomial(lengths, rates)
        found = difference(a, b, lengths, [pair for pair in zip(a, b, strict=True) if any(pair)])
        for name in shown:
            shown[name] += getattr(found, name) < 0.05
    assert shown["p"] <= 0.06 * trials and shown["p_matched"] <= 0.07 * trials, shown
    assert shown["p_bootstrap"] <= (0.03 if count <= 5 else 0.08) * trials, shown


def test_the_interval_of_a_difference_holds_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(significance, "RESAMPLES", 2000)
    draw, trials, held = np.random.default_rng(12), 1000, 0
    for _ in range(trials):
        lengths, rates = draw.integers(2, 30, 20), draw.beta(RATE * 20, (1 - RATE) * 20, 20)
        found = difference(draw.binomial(lengths, rates), draw.binomial(lengths, rates / 2), lengths)
        held += found.interval is not None and found.interval.low <= -RATE / 2 <= found.interval.high
    assert 0.93 <= held / trials <= 0.975, held / trials


def test_p_values_of_the_tests_agree() -> None:
    draw = np.random.default_rng(7)
    found = [difference(_errors(draw, 150), _errors(draw, 150), [WORDS] * 150) for _ in range(300)]
    for name in ("p_bootstrap", "p_matched"):
        small = np.mean([getattr(f, name) < 0.05 for f in found])
        assert 0.02 <= small <= 0.08, (name, small)
    assert max(abs(f.p_bootstrap - f.p_matched) for f in found) < 0.06


def test_a_difference_over_speakers_is_less_sure() -> None:
    draw = np.random.default_rng(11)
    names = np.repeat(list("abcdefgh"), 25).tolist()
    better = np.repeat(draw.random(8) < 0.75, 25)  # B is better for some speakers only
    a = draw.binomial(WORDS, 0.2, 200)
    b = np.where(better, draw.binomial(a, 0.7), a)
    found = difference(a, b, [WORDS] * 200, speakers=names)
    assert found.speakers is not None and found.interval is not None and found.p_speakers is not None
    assert found.speakers.high - found.speakers.low > found.interval.high - found.interval.low
    assert found.p_speakers > found.p_bootstrap
    few = difference(a, b, [WORDS] * 200, speakers=["x"] * 100 + ["y"] * 100)
    assert few.speakers is None and few.p_speakers is None


def test_of_several_comparisons_the_p_values_are_corrected() -> None:
    assert holm([]) == [] and holm([0.03]) == [0.03]
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, 0.9]) == [1.0, 1.0]


def test_a_difference_is_seen_and_its_sign_told() -> None:
    draw = np.random.default_rng(8)
    worse = _errors(draw, 500)
    better = draw.binomial(worse, 0.7)
    found, other = difference(worse, better, [WORDS] * 500), difference(better, worse, [WORDS] * 500)
    assert found.interval is not None and found.p < 0.001 and found.rate < 0 and found.interval.high < 0
    assert other.rate == -found.rate and other.p_matched == found.p_matched
    same = difference(worse, worse, [WORDS] * 500)
    assert (same.rate, same.p_bootstrap, same.p_matched, same.p) == (0.0, 1.0, 1.0, 1.0)


def test_nothing_to_draw_from() -> None:
    assert interval([], []) is None and interval([1], [5]) is None and interval([1] * 5, [0] * 5) is None
    assert interval([1] * 4, [5] * 4) is None and interval([1] * 5, [5] * 5) is not None
    assert interval([1] * 9, [5] * 9, list("aaabbbccc")) is None  # three speakers
    assert interval([1, 0, 2, 1, 1], [5] * 5, list("abcde")) is not None
    none = difference([1], [2], [0])
    assert none.p == 1.0 and none.interval is None and none.rate == 1.0


def test_the_same_errors_have_the_same_interval() -> None:
    errors = _errors(np.random.default_rng(9), 2620)
    assert interval(errors, [WORDS] * 2620) == interval(errors, [WORDS] * 2620)
