"""How sure an error rate is, and whether two recognisers differ: the bootstrap over the same utterances or speakers.

Knows counts only. Every draw comes from a fixed seed, so that a page written twice says the same.

The intervals are studentised: each resample's rate is measured in its own standard error, and the quantiles of that are
taken back to the errors seen (Efron and Tibshirani 1993, ch. 12.5). The percentile interval is too narrow where groups
are few: meant for 95 %, it held the rate of 5, 10, 20 simulated speakers in 82, 88, 91 %, this one in 93, 94, 95 %.
Rates are drawn as square roots, which makes counts about equally variable; half an error is added to every sum, and its
square to every sum of squares, so that a resample without errors has a standard error too. No interval is narrower than
one of independent words would be: where no error was seen, the bootstrap alone would call that certain.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np

from asr.evaluation.matched import matched_pairs

RESAMPLES = 10_000
LEVEL = 0.95
METHOD = "studentised bootstrap"
WORDS, CHARACTERS = 2.0, 5.0  # variance of an utterance's errors over that of independent ones: 1.9, 4.5 on LibriSpeech
FEWEST = 5  # rows or speakers; fewer give no idea of how they differ
_SEED = 2620
_HALF = 0.5  # an error
_Z = 1.959964  # of LEVEL


@dataclass(frozen=True, slots=True)
class Interval:
    """Bounds that hold a rate with a confidence of LEVEL, fractions."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Difference:
    """How B differs from A over the same utterances: `rate` is B's minus A's, negative where B is better.

    The intervals are over utterances and over speakers, None where there are too few of them. `p_bootstrap` and
    `p_speakers` are two-sided: twice the share of resamples as far from the difference as that is from none.
    `p_matched` is two-sided too, of the matched-pair test; `z` is its standard normal statistic, None where that test
    was exact.
    """

    rate: float
    interval: Interval | None
    speakers: Interval | None
    p_bootstrap: float
    p_speakers: float | None
    z: float | None
    p_matched: float

    @property
    def p(self) -> float:
        """The larger one of the two tests' over utterances: both have to find the difference."""
        return max(self.p_bootstrap, self.p_matched)


def interval(
    errors: Sequence[int], lengths: Sequence[int], groups: Sequence[str] | None = None, together: float = WORDS
) -> Interval | None:
    """The bootstrap interval of sum(errors) / sum(lengths) over rows, or over `groups` of them drawn whole.

    `together` says how errors hang together where too few were made to show it. None where there is nothing to draw
    from: fewer than 5 rows or groups, or no length at all. Sources: Bisani and Ney 2004, "Bootstrap estimates for
    confidence intervals in ASR performance evaluation"; Wilson 1927 for the narrowest it may be.
    """
    columns = _grouped(errors, lengths, groups)
    if columns.shape[1] < FEWEST or not columns[1].sum():
        return None
    seen = _sums(columns)
    root, error = _root(seen)
    roots, errors_drawn = _root(_resampled(columns))
    low, high = _quantiles((roots - root) / errors_drawn)
    bounds = [max(0.0, float(root - t * error)) ** 2 - _HALF / float(seen[1]) for t in (high, low)]
    narrowest = _independent(float(seen[0]), float(seen[1]), together)
    return Interval(max(0.0, min(bounds[0], narrowest.low)), max(bounds[1], narrowest.high))


def difference(
    errors_a: Sequence[int],
    errors_b: Sequence[int],
    lengths: Sequence[int],
    segments: Sequence[tuple[int, int]] | None = None,
    speakers: Sequence[str] | None = None,
) -> Difference:
    """What two recognisers' errors in the same utterances, of `lengths` words, say about their rates.

    `segments` are the errors of both in the segments of the matched-pair test, which are utterances where not given.
    """
    gaps = np.asarray(errors_b, np.int64) - np.asarray(errors_a, np.int64)
    pairs = np.stack([errors_a, errors_b]).T if segments is None else np.array(segments, np.int64).reshape(-1, 2)
    z, p_matched = matched_pairs(pairs[:, 1] - pairs[:, 0])
    over_rows, p_rows = _paired(_grouped(gaps, lengths, None))
    over_speakers, p_speakers = (None, None) if speakers is None else _paired(_grouped(gaps, lengths, speakers))
    return Difference(
        float(gaps.sum()) / max(1, sum(lengths)), over_rows, over_speakers, p_rows,
        None if over_speakers is None else p_speakers, z, p_matched,
    )  # fmt: skip


def _paired(columns: np.ndarray) -> tuple[Interval | None, float]:
    """The interval of Σ differences / Σ lengths, (2, N), and the p-value of there being none.

    No p is below that of a sign for each row that differs, so that two utterances show nothing.
    """
    if columns.shape[1] < FEWEST or not columns[1].sum():
        return None, 1.0
    seen, drawn = _sums(columns), _resampled(columns)
    rate, error = seen[0] / seen[1], _spread(seen)
    away = (drawn[0] - rate * drawn[1]) / _spread(drawn)
    low, high = _quantiles(away)
    narrowest = _narrowest_difference(columns)
    bounds = [float(rate - t * error / seen[1]) for t in (high, low)]
    found = Interval(min(bounds[0], narrowest.low), max(bounds[1], narrowest.high))
    t = seen[0] / error
    as_far = int(np.sum(away >= t if t > 0 else away <= t))
    signs = 2.0 ** (1 - min(1000, int(np.count_nonzero(columns[0]))))
    return found, float(min(1.0, max(signs, 2 * (1 + as_far) / (1 + RESAMPLES))))


def _grouped(values: Sequence[int] | np.ndarray, lengths: Sequence[int], groups: Sequence[str] | None) -> np.ndarray:
    """Values and lengths (2, N), summed over the rows of each group where there are groups."""
    columns = np.array([values, lengths], np.float64).reshape(2, -1)
    if groups is None:
        return columns
    _, which = np.unique(np.asarray(groups), return_inverse=True)
    return np.stack([np.bincount(which, column) for column in columns])


def _sums(columns: np.ndarray) -> np.ndarray:
    """(x, n) (2, N) → (5,): Σx, Σn, Σx², Σxn, Σn²."""
    x, n = columns
    return np.array([x.sum(), n.sum(), x @ x, x @ n, n @ n])


def _resampled(columns: np.ndarray) -> np.ndarray:
    """Those sums over N columns drawn with replacement → (5, RESAMPLES), the same draws in every call.

    Draws without a word are left out: they have no rate.
    """
    from asr.evaluation.kernels.bootstrap import resample  # brings numba, half a second

    sums = np.empty((RESAMPLES, 5))
    resample(np.ascontiguousarray(columns.T), sums, _SEED)
    return sums[sums[:, 1] > 0].T


def _spread(sums: np.ndarray) -> np.ndarray:
    """The standard error of Σx − rate · Σn, from the residuals of the rows: √Σ(x − rate · n)²."""
    x, n, xx, xn, nn = sums
    rate = x / n
    return np.sqrt(np.maximum(0.0, xx - 2 * rate * xn + rate * rate * nn) + _HALF**2)


def _root(sums: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The square root of the rate, and its standard error by the delta method."""
    errors, lengths = sums[0] + _HALF, sums[1]
    return np.sqrt(errors / lengths), _spread(sums) / (2 * np.sqrt(errors * lengths))


def _quantiles(values: np.ndarray) -> tuple[float, float]:
    low, high = np.quantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def _independent(errors: float, length: float, together: float) -> Interval:
    """Wilson's interval were all words independent, or where nothing tells how errors hang together, `together` one.

    No rate is above 1 in it, though with insertions one may be.
    """
    trials = length / (1 + (together - 1) / (1 + min(errors, abs(length - errors))))
    rate, z2 = min(1.0, errors / length), _Z**2 / trials
    middle, half = rate + z2 / 2, sqrt(z2 * (rate * (1 - rate) + z2 / 4))
    return Interval(max(0.0, (middle - half) / (1 + z2)), min(1.0, (middle + half) / (1 + z2)))


def _narrowest_difference(columns: np.ndarray) -> Interval:
    """The interval were all words independent that only one of the two has right, with one more of either kind.

    Source: Bonett and Price 2012, "Adjusted Wald confidence interval for a difference of binomial proportions based on
    paired data".
    """
    gaps, words = columns[0], columns[1].sum() + 2
    rate, apart = gaps.sum() / words, (np.abs(gaps).sum() + 2) / words
    half = _Z * sqrt(max(0.0, apart - rate * rate) / words)
    return Interval(float(rate - half), float(rate + half))
