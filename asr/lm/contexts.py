"""n-grams numbered in one hash table: state 1 + i is word i, then come the longer ones; see lm/kernels/automaton."""

from collections.abc import Sequence

import numpy as np

from asr.lm.kernels.smoothing import insert_contexts


def number_grams(orders: Sequence[np.ndarray]) -> tuple[np.ndarray, list[int]]:
    """The table of n-grams, (n, k) for k = 1, 2, …, and the state of the first of each order, last how many there are.

    The unigrams must be all words by id, and every context be there.
    """
    firsts = [1]
    for grams in orders:
        firsts.append(firsts[-1] + len(grams))
    slots = 16
    while slots < 2 * firsts[-1]:
        slots *= 2
    arcs = np.full((slots, 4), -1, np.int32)
    for grams, first in zip(orders[1:], firsts[1:], strict=False):
        insert_contexts(arcs, grams, first)
    return arcs, firsts
