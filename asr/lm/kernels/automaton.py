"""A back-off n-gram model as an automaton of flat arrays: a state is a context, an arc the word that follows it.

Arcs of two words and more lie in one open-addressed hash table: (state, word, next state, log probability). State 0 is
the empty context, whose arcs, the unigrams, are arrays. A state nothing continues and that backs off for free is
merged with the one it backs off to, so that equal futures are equal states. All probabilities are natural logarithms.
"""

from typing import NamedTuple

import numpy as np

from asr.kernels.compiled import compiled, part

STEP = 1e-6  # nats a unit of the table's integers


class Automaton(NamedTuple):
    """The arrays; N states, W words, H slots of the table (a power of two, at least a third of them empty).

    arcs (H, 4) int32: state (-1: empty slot), word, next state, log probability. unigrams (W, 2) int32: log probability
    and next state. contexts (N, 2) int32: what leaving a state costs, and for which. Log probabilities are in units of
    STEP: a lookup is a matter of memory, not of arithmetic, and so touches few lines of it.
    """

    arcs: np.ndarray
    unigrams: np.ndarray
    contexts: np.ndarray


@part
def slot_of(state, word, mask):
    """Where in a table of mask + 1 slots the search for (state, word) begins; words of one state are neighbours."""
    x = np.uint64(state) * np.uint64(0x9E3779B97F4A7C15)
    x ^= x >> np.uint64(29)
    x *= np.uint64(0xBF58476D1CE4E5B9)
    return np.int64(((x >> np.uint64(32)) + np.uint64(word)) & np.uint64(mask))


@part
def find(arcs, state, word):
    """The slot of the arc, or -1 - the empty slot where it would stand."""
    mask = arcs.shape[0] - 1
    i = slot_of(state, word, mask)
    while True:
        there = arcs[i, 0]
        if there == state and arcs[i, 1] == word:
            return i
        if there < 0:
            return -1 - i
        i = (i + 1) & mask


@part
def score(arcs, unigrams, contexts, state, word):
    """ln P(word | state) and the state after it (Katz 1987: back off until the arc is found)."""
    total = 0
    while state != 0:
        i = find(arcs, state, word)
        if i >= 0:
            return (total + arcs[i, 3]) * STEP, arcs[i, 2]
        total += contexts[state, 0]
        state = contexts[state, 1]
    return (total + unigrams[word, 0]) * STEP, unigrams[word, 1]


@part
def state_of(arcs, gram, begin, end):
    """The state of the context gram[begin:end], walked from its first word; -1 where the model does not hold it."""
    if begin >= end:
        return np.int32(0)
    state = np.int32(1 + gram[begin])
    for j in range(begin + 1, end):
        i = find(arcs, state, gram[j])
        if i < 0:
            return np.int32(-1)
        state = arcs[i, 2]
    return state


@part
def units(nats):
    """A log probability in units of STEP; what is less likely than they can say is as unlikely as they can say."""
    return np.int32(max(-2.0e9, np.rint(nats / STEP)))


@compiled
def insert(arcs, contexts, grams, log_probs, backs, first, is_highest):
    """Add the n-grams of one order, the lower ones being there; → -1.

    Where something is wrong with row r: r if the model lacks its context, -2 - r if the n-gram was there before.

    grams (n, k) int32 of k ≥ 2 words, log_probs and backs (n,) float64 nats. The state of row r is first + r, unless
    `is_highest`: then arcs lead straight to the longest shorter context.
    """
    count, k = grams.shape
    for r in range(count):
        gram = grams[r]
        context = state_of(arcs, gram, 0, k - 1)
        if context < 0:
            return r
        shorter, begin = np.int32(-1), 1
        while shorter < 0:
            shorter = state_of(arcs, gram, begin, k)
            begin += 1
        i = find(arcs, context, gram[k - 1])
        if i >= 0:
            return -2 - r
        i = -1 - i
        arcs[i, 0], arcs[i, 1] = context, gram[k - 1]
        arcs[i, 2] = shorter if is_highest else first + r
        arcs[i, 3] = units(log_probs[r])
        if not is_highest:
            contexts[first + r, 0], contexts[first + r, 1] = units(backs[r]), shorter
    return -1


@compiled
def merge_states(arcs, unigrams, contexts):
    """Replace every state without arcs that backs off for free by the state it backs off to."""
    states = contexts.shape[0]
    continued, same = np.zeros(states, np.uint8), np.zeros(states, np.int32)
    for i in range(arcs.shape[0]):
        if arcs[i, 0] >= 0:
            continued[arcs[i, 0]] = 1
    for s in range(1, states):  # a shorter context has a lower number
        same[s] = s if continued[s] or contexts[s, 0] != 0 else same[contexts[s, 1]]
    for i in range(arcs.shape[0]):
        if arcs[i, 0] >= 0:
            arcs[i, 2] = same[arcs[i, 2]]
    for s in range(1, states):
        contexts[s, 1] = same[contexts[s, 1]]
    for w in range(unigrams.shape[0]):
        unigrams[w, 1] = same[unigrams[w, 1]]


@compiled
def score_sentence(automaton, start, words, scores):
    """Fill scores (n,) with ln P of each word after `start` and the words before it; → the last state."""
    arcs, unigrams, contexts = automaton
    state = np.int32(start)
    for i in range(words.shape[0]):
        scores[i], state = score(arcs, unigrams, contexts, state, words[i])
    return state


@compiled
def score_text(automaton, start, end, words, scores):
    """Fill scores (n,) with ln P of each word of sentences that end in the word `end`, each begun at `start`.

    A word below 0 is not in the model: -inf, and an empty context behind it; an `end` below 0 scores nothing.
    """
    arcs, unigrams, contexts = automaton
    state = np.int32(start)
    for i in range(words.shape[0]):
        word = words[i]
        if word >= 0:
            scores[i], state = score(arcs, unigrams, contexts, state, word)
        else:
            scores[i], state = 0.0 if word == end else -np.inf, np.int32(0)
        if word == end:
            state = np.int32(start)
