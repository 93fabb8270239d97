"""How sure an error rate is, and whether two recognisers differ: bootstrap and matched pairs over the same utterances.

Knows counts only. Every draw comes from a fixed seed, so that a page written twice says the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import erfc, sqrt

import numpy as np

RESAMPLES = 10_000
LEVEL = 0.95
_SEED = 2620
_FEWEST_SPEAKERS = 5  # fewer give no idea of how speakers differ


@dataclass(frozen=True, slots=True)
class Interval:
    """Bounds that hold a rate with a confidence of LEVEL, fractions."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Difference:
    """How B differs from A over the same utterances: `rate` is B's minus A's, negative where B is better.

    `p_bootstrap` is two-sided: twice the share of resamples in which the difference has the other sign or none.
    `p_matched` is two-sided too, of the matched-pair test; `z` is its standard normal statistic.
    """

    rate: float
    interval: Interval
    p_bootstrap: float
    z: float
    p_matched: float

    @property
    def shown(self) -> bool:
        """Whether both tests find the difference at the five per cent level."""
        return max(self.p_bootstrap, self.p_matched) < 0.05


def interval(errors: Sequence[int], lengths: Sequence[int], groups: Sequence[str] | None = None) -> Interval | None:
    """The percentile bootstrap interval of sum(errors) / sum(lengths) over rows, or over `groups` of them drawn whole.

    None where there is nothing to draw from: fewer than 2 rows, fewer than 5 groups, or no length at all.
    Source: Bisani and Ney 2004, "Bootstrap estimates for confidence intervals in ASR performance evaluation".
    """
    columns = np.array([errors, lengths], np.int64)
    if groups is not None:
        columns = _grouped(columns, groups)
    if columns.shape[1] < (2 if groups is None else _FEWEST_SPEAKERS) or not columns[1].sum():
        return None
    return _bounds(_rates(_resampled(columns)))


def difference(
    errors_a: Sequence[int],
    errors_b: Sequence[int],
    lengths: Sequence[int],
    segments: Sequence[tuple[int, int]] | None = None,
) -> Difference:
    """What two recognisers' errors in the same utterances, of `lengths` words, say about their rates.

    `segments` are the errors of both in the segments of the matched-pair test, which are utterances where not given.
    """
    columns = np.array([errors_a, errors_b, lengths], np.int64)
    gap, words = int(columns[1].sum() - columns[0].sum()), int(columns[2].sum())
    pairs = columns[:2].T if segments is None else np.array(segments, np.int64).reshape(-1, 2)
    z, p_matched = matched_pairs(pairs[:, 1] - pairs[:, 0])
    drawn = _resampled(np.stack([columns[1] - columns[0], columns[2]]))
    other = int(np.sum(drawn[0] <= 0 if gap > 0 else drawn[0] >= 0))
    p_bootstrap = min(1.0, 2 * (1 + other) / (1 + RESAMPLES))
    return Difference(gap / max(1, words), _bounds(_rates(drawn)), p_bootstrap, z, p_matched)


def matched_pairs(differences: np.ndarray | Sequence[float]) -> tuple[float, float]:
    """The matched-pair sentence-segment test on differences in errors, a segment each: z and its two-sided p.

    z = mean / (deviation / √n), normal for many segments; of equal differences p is 1 where they are 0, else 0.
    Source: Gillick and Cox 1989, "Some statistical issues in the comparison of speech recognition algorithms"; NIST's
    MAPSSWE.
    """
    values = np.asarray(differences, np.float64)
    if len(values) < 2 or not values.any():
        return 0.0, 1.0
    deviation = float(values.std(ddof=1))
    z = float(values.mean()) / (deviation / sqrt(len(values))) if deviation else float("inf") * float(values[0])
    return z, erfc(abs(z) / sqrt(2))


def _grouped(columns: np.ndarray, groups: Sequence[str]) -> np.ndarray:
    """(C, N) summed over the rows of each group → (C, groups)."""
    _, which = np.unique(np.asarray(groups), return_inverse=True)
    return np.stack([np.bincount(which, column) for column in columns]).astype(np.int64)


def _resampled(columns: np.ndarray) -> np.ndarray:
    """Sums of (2, N) over N rows drawn with replacement → (2, RESAMPLES), the same draws in every call."""
    from asr.evaluation.kernels.bootstrap import resample  # brings numba, half a second

    sums = np.empty((RESAMPLES, 2), np.int64)
    resample(np.ascontiguousarray(columns.T), sums, _SEED)
    return sums.T


def _rates(sums: np.ndarray) -> np.ndarray:
    """(2, R) errors and lengths → (R,) rates; a draw without a word has none and is left out."""
    errors, lengths = sums[:, sums[1] > 0]
    return errors / lengths if len(lengths) else np.zeros(1)


def _bounds(rates: np.ndarray) -> Interval:
    low, high = np.quantile(rates, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(float(low), float(high))
