"""Brute force: slow answers that are right by construction."""

import itertools
import math

import numpy as np


def collapse(path: tuple[int, ...], blank: int = 0) -> tuple[int, ...]:
    """Merge repeats, then drop blanks, one symbol at a time."""
    merged = [k for i, k in enumerate(path) if i == 0 or path[i - 1] != k]
    return tuple(k for k in merged if k != blank)


def ctc_nll(log_probs: np.ndarray, target: tuple[int, ...], blank: int = 0) -> float:
    """-log of the summed probability of all V^T paths of (T, V) log_probs that collapse to `target`."""
    frames, vocabulary = log_probs.shape
    total = -math.inf
    for path in itertools.product(range(vocabulary), repeat=frames):
        if collapse(path, blank) == target:
            total = np.logaddexp(total, sum(log_probs[t, k] for t, k in enumerate(path)))
    return float(-total)
