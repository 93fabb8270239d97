"""Making a model smaller: entropy pruning (Stolcke 1998, "Entropy-based Pruning of Backoff Language Models").

Takes the n-grams whose loss changes the model least. What is left is a normalised back-off model. Kneser–Ney models
bear strong pruning badly (Chelba et al. 2010): compare perplexities, or prune by counts when estimating.
"""

import numpy as np

from asr.errors import LanguageModelError
from asr.lm.contexts import number_grams
from asr.lm.kernels.entropy import add_followers, divergences, need_contexts, renew_backoffs
from asr.lm.tables import BEGIN, END, Grams, Tables


def prune_entropy(tables: Tables, threshold: float) -> Tables:
    """The model without the n-grams that each raise its perplexity by less than the share `threshold`, such as 1e-8.

    Words, and contexts of n-grams that stay, stay. Raises LanguageModelError for a threshold below 0.
    """
    if not threshold >= 0.0:
        raise LanguageModelError(f"--threshold {threshold:g}: is no share; expected 0 or more; say 1e-8")
    model = _Numbered(tables)
    seen, shorter = model.followers()
    needed = np.zeros(model.firsts[-1], np.uint8)
    kept = [tables.orders[0]]
    for grams, first in list(zip(tables.orders, model.firsts, strict=False))[:0:-1]:
        changes = np.empty(len(grams.words))
        divergences(*model.arrays, grams.words, first, seen, shorter, needed, changes)
        stays = np.flatnonzero(np.expm1(changes) >= threshold)
        need_contexts(model.arcs, grams.words[stays], needed)
        kept.insert(1, Grams(*(array[stays] for array in grams)))
    while len(kept) > 1 and not len(kept[-1].words):
        kept.pop()
    return normalise(Tables(tables.words, tuple(kept)))


def normalise(tables: Tables) -> Tables:
    """The model with back-off weights chosen so that after every context the words' probabilities sum to 1."""
    model = _Numbered(tables)
    for k in range(1, len(tables.orders)):
        seen, shorter = model.followers(k + 1)
        here = slice(model.firsts[k - 1], model.firsts[k])
        renew_backoffs(seen[here], shorter[here], model.backoffs[here])
    orders = [
        Grams(grams.words, grams.log_probs, model.backoffs[first : first + len(grams.words)] * (k < len(tables.orders)))
        for k, (grams, first) in enumerate(zip(tables.orders, model.firsts, strict=False), 1)
    ]
    return Tables(tables.words, tuple(orders))


class _Numbered:
    """A model's n-grams by state."""

    def __init__(self, tables: Tables) -> None:
        self.orders = tables.orders
        self.arcs, self.firsts = number_grams([grams.words for grams in tables.orders])
        self.log_probs = np.concatenate([[0.0], *(grams.log_probs for grams in tables.orders)])
        self.backoffs = np.concatenate([[0.0], *(grams.backoffs for grams in tables.orders)])
        if (
            BEGIN in tables.words and END in tables.words
        ):  # <s> has no probability; sentences begin as often as they end
            self.log_probs[1 + tables.words.index(BEGIN)] = self.log_probs[1 + tables.words.index(END)]

    @property
    def arrays(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """What kernels take first."""
        return self.arcs, self.log_probs, self.backoffs

    def followers(self, order: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """By context, what the n-grams (of one order, or all) that continue it sum to, there and one word shorter."""
        seen, shorter = np.zeros(self.firsts[-1]), np.zeros(self.firsts[-1])
        for k, grams in enumerate(self.orders, 1):
            if k > 1 and order in (0, k):
                add_followers(*self.arrays, grams.words, self.firsts[k - 1], seen, shorter)
        return seen, shorter
