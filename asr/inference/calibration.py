"""Slope and offset of confidence.py, fitted to words known to be right or wrong. Knows numbers, not whose they are."""

import math
from collections.abc import Sequence

import numpy as np

from asr.inference.confidence import LEAST

_PRIOR = 0.1  # pull towards slope 1 and offset 0: as much as a tenth of a word; without it, words all right go to ∞
_STEPS = 50
_ENOUGH = 1e-9  # improvement, nats


def fit_calibration(scores: Sequence[float], right: Sequence[bool]) -> tuple[float, float]:
    """Slope and offset that make σ(slope · logit(p) + offset) the likeliest account of which words are right.

    `scores` are mean log probabilities (nats), p = exp(score), as in `confidence`. Logistic regression by Newton's
    method (Platt 1999), pulled a little towards slope 1 and offset 0, so that it never fits worse than they do. The
    slope is never negative: a higher probability never means less. Without words it is (1, 0).
    """
    p = np.clip(np.exp(np.minimum(np.asarray(scores, dtype=float), 0.0)), LEAST, 1.0 - LEAST)
    inputs = np.stack([np.log(p) - np.log1p(-p), np.ones_like(p)], axis=1)
    wanted = np.asarray(right, dtype=float)
    slope, offset = _newton(inputs, wanted, np.array([1.0, 0.0]), free=[0, 1])
    if slope < 0:
        slope, offset = _newton(inputs, wanted, np.array([0.0, 0.0]), free=[1])
    return float(slope), float(offset)


def log_loss(scores: Sequence[float], right: Sequence[bool], slope: float = 1.0, offset: float = 0.0) -> float:
    """The mean of −ln P(what a word is: right or wrong), nats a word; 0 without words."""
    if not len(scores):
        return 0.0
    p = np.clip(np.exp(np.minimum(np.asarray(scores, dtype=float), 0.0)), LEAST, 1.0 - LEAST)
    z = slope * (np.log(p) - np.log1p(-p)) + offset
    return float(np.mean(np.logaddexp(0.0, np.where(np.asarray(right, dtype=bool), -z, z))))


def _newton(inputs: np.ndarray, wanted: np.ndarray, start: np.ndarray, free: list[int]) -> np.ndarray:
    """The weights (2,) of least loss; only those in `free` move. Steps that do not improve it are halved."""
    weights, prior = start.copy(), np.array([1.0, 0.0])

    def loss(at: np.ndarray) -> float:
        z = inputs @ at
        return float(np.sum(np.logaddexp(0.0, z) - wanted * z) + 0.5 * _PRIOR * np.sum((at - prior) ** 2))

    before = loss(weights)
    for _ in range(_STEPS):
        probs = 0.5 * (1.0 + np.tanh(0.5 * (inputs @ weights)))
        gradient = inputs.T @ (probs - wanted) + _PRIOR * (weights - prior)
        curvature = (inputs * (probs * (1.0 - probs))[:, None]).T @ inputs + _PRIOR * np.eye(2)
        step = np.zeros(2)
        step[free] = np.linalg.solve(curvature[np.ix_(free, free)], gradient[free])
        scale = 1.0
        while (now := loss(weights - scale * step)) > before and scale > 1e-6:
            scale /= 2
        if math.isclose(now, before, rel_tol=0, abs_tol=_ENOUGH) or now > before:
            break
        weights, before = weights - scale * step, now
    return weights
