"""Entropy pruning, compiled (Stolcke 1998). States are numbered as by lm/kernels/smoothing.py, n-grams of all orders.

log_probs and backoffs (S,): nats, of the n-gram whose state it is.
"""

import numpy as np

from asr.kernels.compiled import compiled, part
from asr.lm.kernels.automaton import state_of

SURE = 1e-6  # probability: sums of a file's 7 digits are right to about this


@part
def log_prob(arcs, log_probs, backoffs, gram, begin, end):
    """ln P(gram[end - 1] | gram[begin:end - 1]), by backing off."""
    total = 0.0
    for i in range(begin, end - 1):
        state = state_of(arcs, gram, i, end)
        if state >= 0:
            return total + log_probs[state]
        context = state_of(arcs, gram, i, end - 1)
        if context >= 0:
            total += backoffs[context]
    return total + log_probs[1 + gram[end - 1]]


@compiled
def add_followers(arcs, log_probs, backoffs, grams, first, seen, shorter):
    """Add for the n-grams (n, k), states from `first` on, P(w | h) to seen (S,) and P(w | h') to shorter (S,), by h."""
    k = grams.shape[1]
    for r in range(grams.shape[0]):
        context = state_of(arcs, grams[r], 0, k - 1)
        seen[context] += np.exp(log_probs[first + r])
        shorter[context] += np.exp(log_prob(arcs, log_probs, backoffs, grams[r], 1, k))


@compiled
def divergences(arcs, log_probs, backoffs, grams, first, seen, shorter, needed, out):
    """Fill out (n,) with the relative entropy (nats) between the model and the model without each n-gram (n, k).

    Equation 5 of the paper, its context's back-off weight chosen anew; inf where the n-gram is `needed` (S,) as a
    context or its context has no mass to back off with.
    """
    k = grams.shape[1]
    for r in range(grams.shape[0]):
        gram = grams[r]
        context = state_of(arcs, gram, 0, k - 1)
        own, other = log_probs[first + r], log_prob(arcs, log_probs, backoffs, gram, 1, k)
        left, below = 1.0 - seen[context] + np.exp(own), 1.0 - shorter[context] + np.exp(other)
        out[r] = np.inf
        if needed[first + r] or left <= 0.0 or below <= 0.0:
            continue
        history = 0.0
        for j in range(k - 1):
            history += log_prob(arcs, log_probs, backoffs, gram, 0, j + 1)
        weight = np.log(left / below)
        change = np.exp(own) * (other + weight - own) + max(0.0, 1.0 - seen[context]) * (weight - backoffs[context])
        out[r] = -np.exp(history) * change


@compiled
def need_contexts(arcs, grams, needed):
    """Mark the contexts of the n-grams in needed (S,)."""
    for r in range(grams.shape[0]):
        needed[state_of(arcs, grams[r], 0, grams.shape[1] - 1)] = 1


@compiled
def renew_backoffs(seen, shorter, backoffs):
    """Choose back-off weights (n,) anew where the words after a context do not sum to 1."""
    for s in range(seen.shape[0]):
        left, below = 1.0 - seen[s], 1.0 - shorter[s]
        if abs(np.exp(backoffs[s]) * below - left) > SURE and below > 0.0:
            backoffs[s] = np.log(max(left, 1e-10) / below)
