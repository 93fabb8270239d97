"""The likeliest path through the states of a CTC transcript: Viterbi's recursion as compiled code.

L labels have 2L + 1 states (Graves 2006, section 4.1): label k is state 2k + 1, the blank before it state 2k, the last
blank 2L. Sums are float64, so that a path's score does not depend on where in the utterance it is added up.
"""

import numpy as np

from asr.kernels.compiled import compiled, part

_STAY, _STEP, _SKIP = np.uint8(0), np.uint8(1), np.uint8(2)  # states a path moves forward by in a frame


@part
def _forward(log_probs, labels, frames, blank, b, l, back):  # noqa: E741
    """Best scores of ending in each blank, b (L + 1,), and label, l (L,); back (T, 2L + 1) tells how they were reached.

    False where an emission is NaN or +inf. Labels come from the last to the first: what they look back at is still
    that of the frame before. Equal scores stay rather than step, step rather than skip.
    """
    length = len(labels)
    b[:], l[:] = -np.inf, -np.inf
    b[0] = 0.0  # before the first frame: in the blank in front of everything
    for t in range(frames):
        row, sane = log_probs[t], log_probs[t, blank] < np.inf
        for k in range(length, 0, -1):
            move, best = _STAY, b[k]
            if l[k - 1] > best:
                move, best = _STEP, l[k - 1]
            b[k], back[t, 2 * k] = best + row[blank], move
            move, best = _STAY, l[k - 1]
            if b[k - 1] > best:
                move, best = _STEP, b[k - 1]
            if k > 1 and labels[k - 1] != labels[k - 2] and l[k - 2] > best:
                move, best = _SKIP, l[k - 2]
            l[k - 1], back[t, 2 * k - 1] = best + row[labels[k - 1]], move
            sane &= row[labels[k - 1]] < np.inf
        b[0], back[t, 0] = b[0] + row[blank], _STAY
        if not sane:
            return False
    return True


@part
def _backward(log_probs, labels, frames, state, back, positions, spans, sums):
    """Follow the path that ends in `state` to its beginning, noting labels by frame, their frames, and their scores."""
    for t in range(frames - 1, -1, -1):
        positions[t] = -1
        if state % 2:
            k = state // 2
            if spans[k, 1] == 0:
                spans[k, 1] = t + 1
            positions[t], spans[k, 0] = k, t
            sums[k] += log_probs[t, labels[k]]
        state -= np.int64(back[t, state])


def _viterbi(log_probs, targets, frames, lengths, blank, positions, spans, sums, scores):
    """A batch, one utterance after the other: log_probs (B, T, V) float32, targets (B, L), frames and lengths (B,).

    Fills scores (B,) float64 [nats], -inf without a path, NaN where emissions are no log probabilities; and where there
    is a path positions (B, T), and spans (B, L, 2) and sums (B, L) that were 0.
    """
    longest, most = frames.max(), lengths.max()
    b, l, back = np.empty(most + 1), np.empty(most), np.empty((longest, 2 * most + 1), np.uint8)  # noqa: E741
    for i in range(len(frames)):
        labels, n = targets[i, : lengths[i]], lengths[i]
        sane = _forward(log_probs[i], labels, frames[i], blank, b[: n + 1], l[:n], back)
        state, scores[i] = 2 * n, b[n]
        if n > 0 and l[n - 1] > b[n]:
            state, scores[i] = 2 * n - 1, l[n - 1]
        if not sane:
            scores[i] = np.nan
        elif scores[i] > -np.inf:
            _backward(log_probs[i], labels, frames[i], state, back, positions[i], spans[i], sums[i])


viterbi = compiled(_viterbi)
