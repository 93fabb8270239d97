"""An n-gram model as it stands in a file: a table of n-grams an order. Knows nothing of files or of searching."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from asr.errors import LanguageModelError
from asr.lm.kernels.automaton import STEP, Automaton, insert, merge_states

BEGIN, END, UNKNOWN = "<s>", "</s>", "<unk>"


class Grams(NamedTuple):
    """The n-grams of one order k: words (n, k) int32 ids, log_probs (n,) and backoffs (n,) float64 nats."""

    words: np.ndarray
    log_probs: np.ndarray
    backoffs: np.ndarray


@dataclass(frozen=True)
class Tables:
    """A back-off model: the words by id, and the n-grams of orders 1, 2, …; unigram row i is the word i."""

    words: tuple[str, ...]
    orders: tuple[Grams, ...]


def automaton(tables: Tables) -> Automaton:
    """The automaton of the model's n-grams, equal states merged.

    Raises LanguageModelError for an n-gram that stands twice or whose context (all its words but the last) is missing.
    """
    unigrams, higher = tables.orders[0], tables.orders[1:]
    states = 1 + sum(len(grams.words) for grams in tables.orders[: max(1, len(higher))])
    slots = 16
    while 2 * slots < 3 * sum(len(grams.words) for grams in higher):
        slots *= 2
    arcs = np.full((slots, 4), -1, np.int32)
    contexts, first = np.zeros((states, 2), np.int32), 1 + len(unigrams.words)
    if higher:
        contexts[1:first, 0] = _units(unigrams.backoffs)
    by_word = np.stack([_units(unigrams.log_probs), np.arange(1, first, dtype=np.int32)], axis=1)
    for grams in higher:
        highest = grams is higher[-1]
        wrong = int(insert(arcs, contexts, *grams, first, highest))
        if wrong != -1:
            raise MisplacedGram(grams.words.shape[1], wrong if wrong >= 0 else -2 - wrong, twice=wrong < 0)
        first += len(grams.words)
    merge_states(arcs, by_word, contexts)
    return Automaton(arcs, by_word, contexts)


def _units(nats: np.ndarray) -> np.ndarray:
    """Log probabilities as the automaton holds them."""
    return np.maximum(np.rint(nats / STEP), -2e9).astype(np.int32)


class MisplacedGram(LanguageModelError):
    """An n-gram of order `order`, row `row`, that stands twice or lacks its context; a reader knows its line."""

    def __init__(self, order: int, row: int, twice: bool) -> None:
        self.order, self.row, self.twice = order, row, twice
        what = "stands twice" if twice else "has no context among the shorter ones"
        super().__init__(
            f"{order}-gram {row + 1}: {what}; expected each n-gram once, after its context; mend the model"
        )
