"""CTC's forward and backward variables of one utterance, as probabilities (Graves et al. 2006, section 4.1).

States are split: blanks b[k] (k = 0 … L, before label k) and labels l[k] (k = 0 … L - 1). A frame is then a handful of
multiplications a state:
    b'[k] = y_blank · (b[k] + l[k-1])        l'[k] = y[k] · (l[k] + b[k] + skip[k] · l[k-1])
float64 rows scaled by powers of two, which round nothing, take a fifth of the operations that logarithms take, and are
exact to the rounding of the probabilities. What they cannot hold is a path 2^-1000 below the best of its frame. Whether
such a path could have mattered is decided afterwards (`CERTAIN`); if so, logarithms do the utterance (logspace.py).

In every array over states, entry k + 1 is state k, and entry 0 is 0.
"""

from typing import NamedTuple

import numpy as np

from asr.ctc.kernels.arithmetic import exponent, power_of_two
from asr.kernels.compiled import part, summing

LANES = 16  # states are done in multiples of it, so that few loops end in scalar steps and rows stay short
CERTAIN = 1e-240  # of a frame's forward and backward sums' product: underflow loses less than 1e-250 of that
LEAST = 1e-290  # and that product itself has to be a number float64 holds to all its digits
_LN2 = float(np.log(2))


class Work(NamedTuple):
    """Scratch for one utterance at a time. W is `width(L)`; y holds no NaN from the start."""

    row: np.ndarray  # (V, padded) float32, one frame of logits or probabilities
    y: np.ndarray  # (T, W) float32, probabilities of the labels
    y_blank: np.ndarray  # (T,) float32
    skip: np.ndarray  # (W,) 1 where a label may follow the one before without a blank between
    alpha_b: np.ndarray  # (T, W)
    alpha_l: np.ndarray  # (T, W)
    sums: np.ndarray  # (T,) of alpha
    beta_b: np.ndarray  # (2, W), frames take turns
    beta_l: np.ndarray  # (W,)
    emitted: np.ndarray  # (W,)
    occupancy: np.ndarray  # (W,)


@part
def width(labels):
    """W, the entries of a row over the states of `labels` labels."""
    return 1 + (labels + LANES) // LANES * LANES + LANES + 2


@part
def first(t, frames, labels):
    """The lowest k whose states still reach the end in time."""
    return max(0, labels - (frames - t))


@part
def last(t, labels):
    """The highest k that is reached by frame t."""
    return min(labels, t)


@part
def _padded(n):
    return (n + LANES - 1) // LANES * LANES


@summing
def _forward_frame(old_b, old_l, y, skip, y_blank, scale, new_b, new_l, n):
    """One frame of n states of each kind; old_l starts one state earlier. The sum of the new variables."""
    total = 0.0
    c = y_blank * scale
    for k in range(n):
        u = c * (old_b[k] + old_l[k])
        v = scale * y[k] * (old_l[k + 1] + (old_b[k] + skip[k] * old_l[k]))
        new_b[k] = u
        new_l[k] = v
        total += u + v
    return total


@part
def forward(work, frames, labels):
    """Fills alpha and its sums; log P(targets), or NaN where it is not known: nothing that float64 holds got there.

    Frame t is stored without the scale that frame t + 1 applies to it.
    """
    alpha_b, alpha_l, sums = work.alpha_b, work.alpha_l, work.sums
    alpha_b[0, : 2 * LANES + 2] = 0.0
    alpha_l[0, : 2 * LANES + 2] = 0.0
    alpha_b[0, 1] = work.y_blank[0]
    alpha_l[0, 1] = work.y[0, 1]
    sums[0] = alpha_b[0, 1] + alpha_l[0, 1]
    shift = 0
    for t in range(1, frames):
        if not sums[t - 1] > 0.0:
            return np.nan
        e = exponent(sums[t - 1])
        shift += e
        lo = first(t, frames, labels)
        n = _padded(last(t, labels) - lo + 1)
        end = lo + 1 + n
        sums[t] = _forward_frame(
            alpha_b[t - 1, lo + 1 :], alpha_l[t - 1, lo:], work.y[t, lo + 1 :], work.skip[lo + 1 :], work.y_blank[t],
            power_of_two(-e), alpha_b[t, lo + 1 :], alpha_l[t, lo + 1 :], n,
        )  # fmt: skip
        alpha_l[t, 0] = 0.0
        alpha_b[t, end : end + LANES + 1] = 0.0  # the next frame reads at most so far
        alpha_l[t, end : end + LANES + 1] = 0.0
    total = alpha_b[frames - 1, labels + 1] + (alpha_l[frames - 1, labels] if labels else 0.0)
    return np.log(total) + shift * _LN2 if total > 0.0 else np.nan


@part
def _emitted(beta_l, y, scale, emitted, n):
    """Label states' variables times what they emit."""
    for k in range(n):
        emitted[k] = scale * y[k] * beta_l[k]


@summing
def _backward_frame(old_b, emitted, skip, c, new_b, new_l, n):
    """One frame of n states of each kind from the variables of the next, times what it emits there."""
    total = 0.0
    for k in range(n):
        u = c * old_b[k] + emitted[k]
        v = emitted[k] + c * old_b[k + 1] + skip[k + 1] * emitted[k + 1]
        new_b[k] = u
        new_l[k] = v
        total += u + v
    return total


@summing
def _occupied(alpha_b, alpha_l, beta_b, beta_l, occupancy, n):
    """alpha · beta of the labels, into occupancy; the sums over blanks and over labels."""
    blank, label = 0.0, 0.0
    for k in range(n):
        x = alpha_l[k] * beta_l[k]
        occupancy[k] = x
        label += x
        blank += alpha_b[k] * beta_b[k]
    return blank, label


@part
def start_backward(work, frames, labels):
    """Backward variables of the last frame, where all targets are said; their sum."""
    work.beta_b[:] = 0.0
    work.beta_l[:] = 0.0
    work.beta_b[(frames - 1) % 2, labels + 1] = 1.0
    if labels == 0:
        return 1.0
    work.beta_l[labels] = 1.0
    return 2.0


@part
def backward(work, t, total, frames, labels):
    """beta of frame t from frame t + 1's, whose sum is `total`; their sum."""
    lo, hi = first(t, frames, labels), last(t, labels)
    n = _padded(hi - lo + 1)
    scale = power_of_two(-exponent(total))
    old_b, new_b, beta_l, emitted = work.beta_b[(t + 1) % 2], work.beta_b[t % 2], work.beta_l, work.emitted
    _emitted(beta_l[lo + 1 :], work.y[t + 1, lo + 1 :], scale, emitted[lo + 1 :], n + 1)
    total = _backward_frame(
        old_b[lo + 1 :], emitted[lo + 1 :], work.skip[lo + 1 :], work.y_blank[t + 1] * scale,
        new_b[lo + 1 :], beta_l[lo + 1 :], n,
    )  # fmt: skip
    new_b[hi + 2 : lo + n + 3] = 0.0  # states that frame t does not reach
    beta_l[hi + 2 : lo + n + 3] = 0.0
    return total


@part
def occupancies(work, t, frames, labels):
    """Frame t's posteriors of the labels into work.occupancy, not normalised; (of the blank, of all together)."""
    lo = first(t, frames, labels)
    blank, label = _occupied(
        work.alpha_b[t, lo + 1 :], work.alpha_l[t, lo + 1 :], work.beta_b[t % 2, lo + 1 :], work.beta_l[lo + 1 :],
        work.occupancy[lo + 1 :], _padded(last(t, labels) - lo + 1),
    )  # fmt: skip
    return blank, blank + label
