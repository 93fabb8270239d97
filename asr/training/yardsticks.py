"""What outputs that never change cost on one batch: the yardsticks its own loss is read against.

The loss a token of a model that does not listen depends on the frames a label has. Tones whose long utterances are
spoken slower cost an untrained model 7 nats a token in the shortest batch and 62 in the longest, and one that says only
blanks 2.2 and 1.7. With all tokens but the blank equally likely the cost depends on counts alone: of T frames m hold
one of the L labels and the others blanks, R of them between equal labels, in

    C(m - 1, L - 1) · C(T - R - m + L, L)

ways (asr/training/baselines.py says where from), each of probability q^m b^(T - m), b = p(blank), q = (1 - b)/(V - 1).
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

_ROUNDS = 6  # of expectation maximisation; the share of blanks is then within 1 % of the best, its cost within 0.1 %
_LEAST = 1e-8


class Constant(NamedTuple):
    """Nats of a batch: with all tokens evenly likely, and with the best share of blanks, the others evenly likely."""

    even: float
    blanks: float


def constant_nats(frames: Sequence[int], labels: Sequence[int], repeats: Sequence[int], num_tokens: int) -> Constant:
    """What constant outputs over `num_tokens` tokens, the blank included, cost on utterances of so many frames, labels
    and equal neighbours among the labels. Every utterance fits; `repeats_of` counts the last."""
    if not sum(frames):
        return Constant(0.0, 0.0)
    t, n, r = (np.asarray(count)[:, None] for count in (frames, labels, repeats))
    m = np.arange(int((t - r).max()) + 1)  # (M,) frames that hold a label
    possible = (m >= n) & (m <= t - r) & ((n > 0) | (m == 0))
    ways = np.where(n > 0, _log_choose(m - 1, n - 1), 0.0) + _log_choose(t - r - m + n, n)
    ways = np.where(possible, ways, -np.inf)  # (B, M)
    even, _ = _cost(ways, t, m, 1.0 / num_tokens, num_tokens)
    nats, blank = np.inf, 1.0 - n.sum() / t.sum()
    for _ in range(_ROUNDS):
        nats, blank = _cost(ways, t, m, blank, num_tokens)
    return Constant(even, nats)


def repeats_of(targets: Tensor, target_lengths: Tensor) -> list[int]:
    """How many labels of each target (B, L) equal the one before."""
    inside = torch.arange(1, max(1, targets.shape[1]), device=targets.device) < target_lengths[:, None]
    return ((targets[:, 1:] == targets[:, :-1]) & inside).sum(1).tolist()


def _cost(ways: np.ndarray, t: np.ndarray, m: np.ndarray, blank: float, num_tokens: int) -> tuple[float, float]:
    """Nats under a share of blanks, and the mean share of blanks in the alignments."""
    blank = min(1.0 - _LEAST, max(_LEAST, blank))
    paths = ways + m * np.log((1.0 - blank) / max(1, num_tokens - 1)) + (t - m) * np.log(blank)
    most = paths.max(1, keepdims=True)
    weights = np.exp(paths - most)
    total = weights.sum(1)
    spoken = ((weights @ m) / total).sum()
    return float(-(most[:, 0] + np.log(total)).sum()), float(1.0 - spoken / t.sum())


def _log_choose(n: np.ndarray, k: np.ndarray) -> np.ndarray:
    """ln C(n, k), of no meaning where that is 0: what is impossible is masked by who asks."""
    n, k = np.broadcast_arrays(n.clip(0), k.clip(0))
    logs = _log_factorials(int(n.max()).bit_length())
    return logs[n] - logs[k.clip(max=len(logs) - 1)] - logs[(n - k).clip(0)]


@lru_cache(maxsize=8)
def _log_factorials(bits: int) -> np.ndarray:
    """ln i! of every i of so many bits."""
    return np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, 1 << bits)))])
