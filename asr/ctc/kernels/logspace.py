"""The same loss and gradient in float64 logarithms: slower, and right for every finite logit.

For float64 logits, and for the utterances whose probabilities float64 cannot hold (forward_backward.py).
States are the 2L + 1 of Graves et al. (2006): blanks at even places, label k at 2k + 1.
"""

import math

import numpy as np

from asr.ctc.kernels.softmax import BROKEN, MASKED, NORMAL, number, store
from asr.kernels.compiled import part

_NEVER = -np.inf


@part
def _add(a, b):
    """log(exp(a) + exp(b))."""
    if a < b:
        a, b = b, a
    return a if b == _NEVER else a + math.log1p(math.exp(b - a))


@part
def _log_sum(logits):
    """Peak and log-sum-exp above it of one frame, apart so that large common offsets cost nothing; and its kind."""
    peak = _NEVER
    for v in range(len(logits)):
        x = number(logits[v])
        if np.isnan(x) or x == np.inf:
            return peak, 0.0, BROKEN
        peak = max(peak, x)
    if peak == _NEVER:
        return peak, 0.0, MASKED
    total = 0.0
    for v in range(len(logits)):
        total += math.exp(number(logits[v]) - peak)
    return peak, math.log(total), NORMAL


@part
def _emissions(x, at, stride, blank, labels, frames, y, norms):
    """Log probabilities (T, 2L + 1) of the states; what kind of logits they come from."""
    found = NORMAL
    for t in range(frames):
        logits = x[at + t * stride]
        norms[t, 0], norms[t, 1], kind = _log_sum(logits)
        if kind == BROKEN:
            return BROKEN
        found = max(found, kind)
        for s in range(y.shape[1]):
            token = labels[s // 2] if s % 2 else blank
            y[t, s] = (number(logits[token]) - norms[t, 0]) - norms[t, 1] if kind == NORMAL else _NEVER
    return found


@part
def _may_skip(labels, s):
    return s % 2 == 1 and s > 1 and labels[s // 2] != labels[s // 2 - 1]


@part
def _forward(y, labels, alpha):
    frames, states = y.shape
    alpha[0] = _NEVER
    alpha[0, 0] = y[0, 0]
    if states > 1:
        alpha[0, 1] = y[0, 1]
    for t in range(1, frames):
        for s in range(states):
            a = alpha[t - 1, s]
            if s > 0:
                a = _add(a, alpha[t - 1, s - 1])
            if _may_skip(labels, s):
                a = _add(a, alpha[t - 1, s - 2])
            alpha[t, s] = a + y[t, s]
    end = alpha[frames - 1, states - 1]
    return _add(end, alpha[frames - 1, states - 2]) if states > 1 else end


@part
def _backward_frame(y, labels, beta, new):
    """new (states,) from the next frame's beta and emissions y."""
    states = len(beta)
    for s in range(states):
        a = beta[s] + y[s]
        if s + 1 < states:
            a = _add(a, beta[s + 1] + y[s + 1])
        if s + 2 < states and _may_skip(labels, s + 2):
            a = _add(a, beta[s + 2] + y[s + 2])
        new[s] = a


@part
def _gradient_frame(logits, gradient, peak, norm, blank, labels, posterior, row):
    for v in range(len(logits)):
        row[v] = math.exp((number(logits[v]) - peak) - norm)
    for s in range(len(posterior)):
        row[labels[s // 2] if s % 2 else blank] -= posterior[s]
    store(row, 1.0, gradient)


@part
def utterance(x, gradient, at, stride, blank, labels, frames, probability, occupied):
    """Loss (nats) and kind of logits; arguments as in asr/ctc/kernels/utterance.py. inf where every path is masked."""
    states = 2 * len(labels) + 1
    y, alpha, norms = np.empty((frames, states)), np.empty((frames, states)), np.empty((frames, 2))
    kind = _emissions(x, at, stride, blank, labels, frames, y, norms)
    if kind == BROKEN:
        return np.nan, kind
    log_p = _forward(y, labels, alpha)
    if log_p == _NEVER:
        return np.inf, kind
    beta, new, row = np.full(states, _NEVER), np.empty(states), np.empty(x.shape[1])
    beta[max(0, states - 2) :] = 0.0
    for t in range(frames - 1, -1, -1):
        if t < frames - 1:
            _backward_frame(y[t + 1], labels, beta, new)
            beta, new = new, beta
        for s in range(states):
            new[s] = math.exp(alpha[t, s] + beta[s] - log_p)
        probability[t], occupied[t] = math.exp(y[t, 0]), new[::2].sum()
        if len(gradient):
            i = at + t * stride
            _gradient_frame(x[i], gradient[i], norms[t, 0], norms[t, 1], blank, labels, new, row)
    return -log_p, kind
