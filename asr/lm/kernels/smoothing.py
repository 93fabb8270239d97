"""Interpolated Kneser–Ney probabilities, compiled (Chen & Goodman 1999, section 4.1.6, as KenLM prunes)."""

import numpy as np

from asr.kernels.compiled import compiled
from asr.lm.kernels.automaton import find, state_of
from asr.lm.kernels.rows import compare


@compiled
def insert_contexts(arcs, grams, first):
    """Number the contexts grams (n, k) from `first` on in the hash table, those one word shorter being there."""
    k = grams.shape[1]
    for r in range(grams.shape[0]):
        context = state_of(arcs, grams[r], 0, k - 1)
        i = -1 - find(arcs, context, grams[r, k - 1])
        arcs[i, 0], arcs[i, 1], arcs[i, 2] = context, grams[r, k - 1], first + r


@compiled
def add_sums(arcs, grams, facts, thresholds, discounts, totals, spared):
    """Add n-grams to their contexts' sums: counts to totals (S,); to spared (S,) what is taken from them.

    That is the discount, discounts (N, 4) by order and adjusted count, or, of an n-gram that is pruned, all of it.
    """
    longest = grams.shape[1]
    for i in range(grams.shape[0]):
        k, adjusted, raw = facts[i, 0], facts[i, 1], facts[i, 2]
        context = state_of(arcs, grams[i], longest - k, longest - 1)
        if context >= 0:  # else it was pruned, and everything after it
            totals[context] += adjusted
            spared[context] += adjusted if raw <= thresholds[k - 1] else discounts[k - 1, min(adjusted, 3)]


@compiled
def interpolate(arcs, grams, adjusted, discounts, totals, spared, shorter, shorter_probs, probs):
    """Fill probs (n,) of the sorted n-grams (n, k): discounted, plus the context's spared mass times the shorter's.

    discounts (4,); shorter (m, k - 1) and shorter_probs (m,): the sorted n-grams one word shorter, which hold every
    ending of `grams`.
    """
    k, s = grams.shape[1], 0
    for r in range(grams.shape[0]):
        while compare(shorter[s], grams[r, 1:]) != 0:
            s += 1
        context = state_of(arcs, grams[r], 0, k - 1)
        kept = adjusted[r] - discounts[min(adjusted[r], 3)]
        probs[r] = (kept + spared[context] * shorter_probs[s]) / totals[context]


@compiled
def log_backoffs(totals, spared, backoffs):
    """Fill backoffs (n,) with the ln of the share that each context spares; 0 where nothing ever follows."""
    for r in range(totals.shape[0]):
        backoffs[r] = np.log(spared[r] / totals[r]) if totals[r] > 0.0 else 0.0
