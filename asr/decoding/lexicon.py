"""The words a search may hear: their spellings as a trie, and who follows whom in the language model."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from asr.decoding.kernels.parts import Followers, Trie
from asr.decoding.kernels.trie import spell_out
from asr.decoding.units import Units
from asr.lm.kernels.automaton import STEP, Automaton
from asr.lm.ngram import NGram


@dataclass(frozen=True)
class Lexicon:
    """Entries sorted by their spelling; a word has one for each of its pronunciations."""

    words: tuple[str, ...]  # of each entry
    trie: Trie


def build_lexicon(words: Iterable[str], units: Units, lm: NGram | None) -> Lexicon:
    """The lexicon of those `words` that the units can spell; what `lm`, an open one, does not know is its <unk>."""
    spelt = sorted((spelling, word) for word in set(words) for spelling in units.spell(word))
    word = np.array([lm.ids.get(w, lm.unknown) if lm is not None else 0 for _, w in spelt], np.int32)
    likely = lm.automaton.unigrams[word, 0] * STEP if lm is not None else np.zeros(len(spelt))
    begin = np.cumsum([0, *(len(s) for s, _ in spelt)]).astype(np.int32)
    symbols = np.array([x for s, _ in spelt for x in s], np.int32)
    parent, depth, symbol, first, own, end, ahead = spell_out(begin, symbols, likely)
    order = np.argsort(depth, kind="stable")  # breadth first; siblings stay in order
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    parents = np.where(parent[order] < 0, -1, rank[parent[order]])
    children = np.searchsorted(parents[1:], np.arange(len(order) + 1)) + 1
    trie = Trie(
        first=children.astype(np.int32), symbol=symbol[order], begin=first[order], own_end=own[order], end=end[order],
        word=word, ahead=ahead[order], mask=_masks(symbol[order], parents, units.count),
    )  # fmt: skip
    return Lexicon(tuple(w for _, w in spelt), trie)


def _masks(symbol: np.ndarray, parent: np.ndarray, symbols: int) -> np.ndarray:
    """The symbols of each node's children as bits, (N,) uint64; (0,) where they are too many."""
    masks = np.zeros(len(symbol) if symbols <= 64 else 0, np.uint64)
    if len(masks):
        np.bitwise_or.at(masks, parent[1:], np.uint64(1) << symbol[1:].astype(np.uint64))
    return masks


def followers(automaton: Automaton, lexicon: Lexicon) -> Followers:
    """For each state of the language model the entries it has arcs for, sorted, with their log probabilities."""
    arcs = automaton.arcs[automaton.arcs[:, 0] >= 0]
    by_word = np.argsort(lexicon.trie.word, kind="stable").astype(np.int32)
    low, high = (np.searchsorted(lexicon.trie.word[by_word], arcs[:, 1], side) for side in ("left", "right"))
    times = high - low
    arc = np.repeat(np.arange(len(arcs)), times)
    within = np.arange(len(arc)) - np.repeat(np.cumsum(times) - times, times)
    entry = by_word[low[arc] + within]
    order = np.lexsort((entry, arcs[arc, 0]))
    begin = np.searchsorted(arcs[arc, 0][order], np.arange(len(automaton.contexts) + 1)).astype(np.int32)
    return Followers(begin, entry[order], (arcs[arc, 3][order] * STEP).astype(np.float32))


def no_followers() -> Followers:
    """The look-ahead of unigrams alone."""
    return Followers(np.zeros(1, np.int32), np.zeros(0, np.int32), np.zeros(0, np.float32))
