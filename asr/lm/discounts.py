"""Discounts of modified Kneser–Ney from counts of counts (Chen & Goodman 1999, equation 26). Arithmetic only."""

import numpy as np

from asr.errors import LanguageModelError

FALLBACK = (0.5, 1.0, 1.5)  # KenLM's


def discounts_of(counts: np.ndarray, fallback: bool) -> np.ndarray:
    """The discounts (N, 4) for adjusted counts 0, 1, 2, and 3 or more of each order.

    counts (N, 5): how many n-grams have adjusted counts 0 to 4, pruned ones too. Raises LanguageModelError where an
    order's are undefined or out of range, unless FALLBACK may stand in for them.
    """
    rows = []
    for order, n in enumerate(counts.tolist(), 1):
        problem, row = _discounts(n)
        if problem and not fallback:
            raise LanguageModelError(
                f"{order}-grams: {problem}; expected a text of natural counts; give more text, remove repeated lines, "
                "or say --discount-fallback"
            )
        rows.append((0.0, *FALLBACK) if problem else row)
    return np.array(rows)


def _discounts(n: list[int]) -> tuple[str, tuple[float, ...]]:
    """What is wrong, or nothing, and the discounts."""
    for j in (1, 2, 3):
        if n[j] == 0:
            return f"no discounts, since none has the adjusted count {j}", ()
    y = n[1] / (n[1] + 2 * n[2])
    found = tuple(j - (j + 1) * y * n[j + 1] / n[j] for j in (1, 2, 3))
    for j, discount in enumerate(found, 1):
        if not 0.0 <= discount <= j:
            return f"the discount of the adjusted count {j} is {discount:.4g}, not within 0 and {j}", ()
    return "", (0.0, *found)
