"""Phrases that shall be heard, as an automaton over symbols (Aho & Corasick 1975).

A phrase is worth its boost once it is whole; on its way each symbol is worth an equal part, which is taken back where
the speech goes another way. Phrases begin and end where words do.
"""

from collections.abc import Iterable, Sequence

import numpy as np

from asr.decoding.kernels.parts import SEPARATOR, Boost


def no_boost() -> Boost:
    """The automaton of no phrases."""
    return Boost(np.zeros((1, 1), np.int32), np.zeros((1, 1)), np.zeros(1), 0)


def boost_phrases(phrases: Sequence[tuple[int, ...]], symbols: int, boost: float) -> Boost:
    """The automaton that gives `boost` nats for each phrase, spelt in symbols with separators between its words."""
    if not phrases or not boost:
        return no_boost()
    children, potential, bank = _tree([(SEPARATOR, *phrase, SEPARATOR) for phrase in phrases], boost)
    states = len(children)
    following, fail = np.zeros((states, symbols + 1), np.int32), np.zeros(states, np.int32)
    queue = [0]
    for state in queue:  # breadth first: where a state fails to is complete before it is needed
        following[state] = following[fail[state]] if state else 0
        for symbol, child in children[state].items():
            fail[child] = following[fail[state], symbol + 1] if state else 0
            following[state, symbol + 1] = child
            queue.append(child)
    for state in queue:
        bank[state] += bank[fail[state]] if state else 0.0
        if not children[state]:  # whole: what goes on is what the separator begins
            potential[state] = potential[fail[state]]
    gain = potential[following] - potential[:, None] + bank[following]
    return Boost(following, gain, potential, int(following[0, SEPARATOR + 1]))


def largest_gain(boost: Boost, tokens: Iterable[tuple[int, ...]]) -> float:
    """The most that one of the tokens, spelt in symbols, can gain anywhere, at least 0 (nats)."""
    most = 0.0
    for token in tokens if len(boost.potential) > 1 else ():
        states, gain = np.arange(len(boost.potential)), np.zeros(len(boost.potential))
        for symbol in token:
            gain, states = gain + boost.gain[states, symbol + 1], boost.next[states, symbol + 1]
        most = max(most, float(gain.max()))
    return most


def _tree(phrases: list[tuple[int, ...]], boost: float) -> tuple[list[dict[int, int]], np.ndarray, np.ndarray]:
    """Children of each node; what each beginning of a phrase promises; and what a whole phrase banks (nats)."""
    children: list[dict[int, int]] = [{}]
    potential, bank = {0: 0.0}, {}
    for phrase in phrases:
        state = 0
        for depth, symbol in enumerate(phrase):
            if symbol not in children[state]:
                children[state][symbol] = len(children)
                children.append({})
            state = children[state][symbol]
            if depth + 1 < len(phrase):
                potential[state] = max(potential.get(state, 0.0), boost * depth / (len(phrase) - 1))
        bank[state] = boost
    states = range(len(children))
    return children, np.array([potential.get(s, 0.0) for s in states]), np.array([bank.get(s, 0.0) for s in states])
