"""A batch of utterances through the kernels: who does which, in how many threads.

Utterances are independent: threads of our own share them out, and no number depends on how many there are.
"""

from functools import partial

import numpy as np

from asr.ctc.kernels import logspace, softmax, utterance
from asr.ctc.kernels.forward_backward import Work, width
from asr.ctc.kernels.memory import borrowed
from asr.ctc.kernels.softmax import BROKEN, NORMAL
from asr.kernels.compiled import compiled, part
from asr.kernels.threads import together

_SMALL = 400_000  # frames · (V + 2L) a thread: with less, waking it costs more than it saves


@part
def _is_possible(labels, frames):
    """Whether any alignment exists: a frame a label, and a blank between equal ones."""
    need = len(labels)
    for k in range(1, len(labels)):
        need += labels[k] == labels[k - 1]
    return frames >= need


@part
def _fill(gradient, at, stride, begin, end, value):
    """Rows begin … end of one utterance's gradient become `value`."""
    if len(gradient):
        for t in range(begin, end):
            row = gradient[at + t * stride]
            for v in range(len(row)):
                row[v] = softmax.rounded(value, gradient)


@part
def _workspace(vocabulary, frames, labels):
    states = width(labels)
    return Work(
        np.empty((vocabulary + softmax.LANES - 1) // softmax.LANES * softmax.LANES, np.float32),
        np.zeros((frames, states), np.float32),
        np.empty(frames, np.float32),
        np.empty(states),
        np.empty((frames, states)),
        np.empty((frames, states)),
        np.empty(frames),
        np.empty((2, states)),
        np.empty(states),
        np.empty(states),
        np.empty(states),
    )


@part
def _borrowed(work):
    return Work(
        borrowed(work.row), borrowed(work.y), borrowed(work.y_blank), borrowed(work.skip), borrowed(work.alpha_b),
        borrowed(work.alpha_l), borrowed(work.sums), borrowed(work.beta_b), borrowed(work.beta_l),
        borrowed(work.emitted), borrowed(work.occupancy),
    )  # fmt: skip


@part
def _settle(gradient, at, stride, frames, frames_of_batch, loss, kind):
    """The loss that is reported, and the gradient where there is no loss and beyond the utterance."""
    if kind == BROKEN:
        loss = np.nan
        _fill(gradient, at, stride, 0, frames, np.float32(np.nan))
    elif loss == np.inf:
        _fill(gradient, at, stride, 0, frames, np.float32(0))
    _fill(gradient, at, stride, frames, frames_of_batch, np.float32(0))
    return loss


def _from_probabilities(x, gradient, at, stride, members, targets, frames, lengths, blank, loss, probability, occupied):
    """The utterances `members`: loss (B,), gradient (rows, V), probability and occupancy of the blank (B, T)."""
    own = _workspace(x.shape[1], max(1, frames[members].max()), lengths[members].max())
    work = _borrowed(own)
    logits, gradients = borrowed(x), borrowed(gradient)
    for m in members:
        labels, value, kind = borrowed(targets)[m, : lengths[m]], np.inf, NORMAL
        if frames[m] == 0:
            value = np.inf if len(labels) else 0.0
        elif _is_possible(labels, frames[m]):
            value, kind, sure = utterance.utterance(
                logits, gradients, at[m], stride, blank, labels, frames[m], work, probability[m], occupied[m]
            )
            if not sure:
                value, kind = logspace.utterance(
                    logits, gradients, at[m], stride, blank, labels, frames[m], probability[m], occupied[m]
                )
        loss[m] = _settle(gradients, at[m], stride, frames[m], probability.shape[1], value, kind)
    return own, x, gradient, targets  # what was borrowed lives until here


def _from_logarithms(x, gradient, at, stride, members, targets, frames, lengths, blank, loss, probability, occupied):
    """The same for float64 logits."""
    for m in members:
        labels, value, kind = targets[m, : lengths[m]], np.inf, NORMAL
        if frames[m] == 0:
            value = np.inf if len(labels) else 0.0
        elif _is_possible(labels, frames[m]):
            value, kind = logspace.utterance(
                x, gradient, at[m], stride, blank, labels, frames[m], probability[m], occupied[m]
            )
        loss[m] = _settle(gradient, at[m], stride, frames[m], probability.shape[1], value, kind)


_probabilities, _logarithms = compiled(_from_probabilities), compiled(_from_logarithms)


def run(
    x: np.ndarray,
    gradient: np.ndarray,
    at: np.ndarray,
    stride: int,
    targets: np.ndarray,
    frames: np.ndarray,
    lengths: np.ndarray,
    blank: int,
    threads: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Losses (B,) float64, probability and occupancy (B, T) float32 of the blank; fills gradient.

    x and gradient (rows, V), frame t of utterance i in row at[i] + t · stride; gradient may have no rows. Formats:
    float32, float64, or 16 bits as softmax.py takes them. targets (B, L), frames and lengths (B,) int64.
    """
    batch, longest = len(frames), x.shape[0] // max(1, len(frames))
    loss = np.empty(batch)
    probability, occupied = np.zeros((2, batch, longest), np.float32)
    kernel = _logarithms if x.dtype == np.float64 else _probabilities
    cost = frames * (x.shape[1] + 2 * lengths)
    order = np.argsort(-cost, kind="stable")
    share = max(1, min(threads, batch, int(cost.sum()) // _SMALL))
    # a stride would be another type to the compiler, and compiled once more
    members = [np.ascontiguousarray(order[i::share]) for i in range(share) if batch]
    rest = (targets, frames, lengths, blank, loss, probability, occupied)
    calls = [partial(kernel, x, gradient, at, stride, some, *rest) for some in members]
    together(calls)
    return loss, probability, occupied
