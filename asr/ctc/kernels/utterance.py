"""CTC loss and gradient of one utterance, from its logits to their gradient.

For float32 logits the softmax is written where the gradient will be, and what is occupied is taken off it. 16-bit
gradients are rounded once, from a row that is computed a second time.
"""

from typing import Any

import numpy as np
from numba import types
from numba.extending import overload

from asr.ctc.kernels.forward_backward import CERTAIN, LEAST, backward, first, forward, last, occupancies, start_backward
from asr.ctc.kernels.softmax import NORMAL, exponentials, load, number, store
from asr.kernels.compiled import part

_ONE = np.float32(1)
_TINY = np.float32(1e-30)  # a probability below is not held to full precision by float32


def keep(row: Any, factor: float, gradient: Any) -> None:
    """The frame's softmax, row · factor, for the backward pass."""
    raise NotImplementedError("only inside kernels")


@overload(keep)
def _keep(row, factor, gradient):
    if gradient.dtype == types.float32:
        return lambda row, factor, gradient: store(row, factor, gradient)
    return lambda row, factor, gradient: None


def softmax_again(x: Any, gradient: Any, row: Any, n: int) -> Any:
    """The frame's softmax as an array to subtract from: `gradient` itself where it was kept there, else `row`."""
    raise NotImplementedError("only inside kernels")


@overload(softmax_again)
def _softmax_again(x, gradient, row, n):
    def compute(x, gradient, row, n):
        load(x, row, n)
        row[n:] = -np.inf
        factor, _ = exponentials(row, len(row))
        for v in range(len(row)):
            row[v] *= factor
        return row

    return (lambda x, gradient, row, n: gradient) if gradient.dtype == types.float32 else compute


def finish(out: Any, gradient: Any) -> None:
    """`out` as the gradient, unless it is the gradient."""
    raise NotImplementedError("only inside kernels")


@overload(finish)
def _finish(out, gradient):
    if gradient.dtype == types.float32:
        return lambda out, gradient: None
    return lambda out, gradient: store(out, _ONE, gradient)


@part
def _emissions(x, row, factor, labels, blank, y):
    """Probabilities of some labels into y; of the blank; whether one is too small to be held."""
    small = False
    for k in range(len(labels)):
        p = row[labels[k]] * factor
        y[k] = p
        small |= p < _TINY
    p = row[blank] * factor
    if small or p < _TINY:  # seldom; and the 0 of a masked token is exact
        small = p < _TINY and number(x[blank]) > -np.inf
        for k in range(len(labels)):
            small |= y[k] < _TINY and number(x[labels[k]]) > -np.inf
    return p, small


@part
def softmaxes(x, gradient, at, stride, blank, labels, frames, work):
    """Every frame's softmax into `gradient`, its emissions into work; what kind of logits, and whether it is sure."""
    row, y, vocabulary, length = work.row, work.y, x.shape[1], len(labels)
    sure = True
    for t in range(frames):
        logits = x[at + t * stride]
        load(logits, row, vocabulary)
        row[vocabulary:] = -np.inf
        factor, kind = exponentials(row, len(row))
        if kind != NORMAL:
            return kind, False
        lo, hi = first(t, frames, length), min(last(t, length), length - 1)
        work.y_blank[t], small = _emissions(logits, row, factor, labels[lo : hi + 1], blank, y[t, lo + 1 :])
        y[t, length + 1] = 0.0  # there is no label L
        sure &= not small
        if len(gradient):
            keep(row, factor, gradient[at + t * stride])
    return NORMAL, sure


@part
def _gradient_frame(x, gradient, row, labels, occupancy, blank, share, factor):
    """Softmax less occupancies, of the blank (`share`) and the labels, both to be multiplied by `factor`."""
    vocabulary = len(x)
    out = softmax_again(x, gradient, row, vocabulary)
    out[blank] -= np.float32(share * factor)
    for k in range(len(labels)):
        out[labels[k]] -= np.float32(occupancy[k] * factor)
    finish(out, gradient)


@part
def gradients(x, gradient, at, stride, blank, labels, frames, work, occupied):
    """The gradient (rows, V) and the blank's occupancy (T,), after `forward`; whether they, and the loss, are sure."""
    length = len(labels)
    total = start_backward(work, frames, length)
    for t in range(frames - 1, -1, -1):
        if t < frames - 1:
            total = backward(work, t, total, frames, length)
        share, whole = occupancies(work, t, frames, length)
        if not whole >= max(CERTAIN * total * work.sums[t], LEAST):
            return False
        occupied[t] = share / whole
        if len(gradient):
            lo, hi, i = first(t, frames, length), min(last(t, length), length - 1), at + t * stride
            _gradient_frame(
                x[i], gradient[i], work.row, labels[lo : hi + 1], work.occupancy[lo + 1 :], blank, share, 1.0 / whole
            )
    return True


@part
def utterance(x, gradient, at, stride, blank, labels, frames, work, probability, occupied):
    """Loss (nats), kind of logits, and whether that is sure; else logarithms have to decide.

    x and gradient are (rows, V) with frame t in row at + t · stride; an empty gradient asks for none. probability and
    occupied (T,) get the blank's, a frame.
    """
    kind, sure = softmaxes(x, gradient, at, stride, blank, labels, frames, work)
    if not sure:
        return np.nan, kind, False
    work.skip[:] = 0.0
    for k in range(1, len(labels)):
        work.skip[k + 1] = 1.0 if labels[k] != labels[k - 1] else 0.0
    log_p = forward(work, frames, len(labels))
    if np.isnan(log_p):
        return np.nan, kind, False
    probability[:frames] = work.y_blank[:frames]
    sure = gradients(x, gradient, at, stride, blank, labels, frames, work, occupied)
    return -log_p, kind, sure
