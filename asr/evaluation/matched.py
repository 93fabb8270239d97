"""The matched-pair test of two recognisers, exact where errors are few, and p-values of several comparisons.

Knows differences in errors only, a segment each.
"""

from collections.abc import Sequence
from math import erfc, sqrt

import numpy as np

_FEWEST_NORMAL = 50  # segments that differ; Gillick and Cox ask for "large n", NIST's tools for none in particular


def matched_pairs(differences: np.ndarray | Sequence[int]) -> tuple[float | None, float]:
    """The matched-pair sentence-segment test on whole differences in errors, a segment each: z and its two-sided p.

    z = mean / (deviation / √n), normal for many segments. Where fewer than 50 differ, or all alike, z is None and p
    exact: the share of all signs the differences could have had whose sum is as far from 0. Normal p-values of the same
    two utterances say 0.0000 where a coin says 0.5.
    Sources: Gillick and Cox 1989, "Some statistical issues in the comparison of speech recognition algorithms", and
    NIST's MAPSSWE; Fisher 1935, "The Design of Experiments", §21, for the signs.
    """
    values = np.asarray(differences, np.int64)
    deviation = float(values.std(ddof=1)) if len(values) > 1 else 0.0
    if np.count_nonzero(values) < _FEWEST_NORMAL or not deviation:
        return None, _signs(values[values != 0])
    z = float(values.mean()) / (deviation / sqrt(len(values)))
    return z, erfc(abs(z) / sqrt(2))


def holm(values: Sequence[float]) -> list[float]:
    """p-values corrected for there being several, so that 5 % is the risk of one false difference among all.

    Source: Holm 1979, "A simple sequentially rejective multiple test procedure".
    """
    corrected, largest = [0.0] * len(values), 0.0
    for rank, i in enumerate(sorted(range(len(values)), key=values.__getitem__)):
        largest = max(largest, min(1.0, values[i] * (len(values) - rank)))
        corrected[i] = largest
    return corrected


def _signs(values: np.ndarray) -> float:
    """The share of the 2ⁿ sums Σ ± values, (N,), that are as far from 0 as Σ values: all of them, value by value."""
    sizes = np.abs(values).tolist()
    width = sum(sizes)
    shares = np.zeros(2 * width + 1)  # of each sum from −width to width
    shares[width] = 1.0
    for size in sizes:
        shares = (np.roll(shares, size) + np.roll(shares, -size)) / 2  # never rolls round: no sum exceeds the width
    seen = abs(int(values.sum()))
    return 1.0 if seen == 0 else float(min(1.0, shares[: width - seen + 1].sum() + shares[width + seen :].sum()))
