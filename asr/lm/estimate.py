"""Estimating an n-gram model from text: interpolated modified Kneser–Ney (Chen & Goodman 1999), as KenLM's lmplz.

What is counted may exceed memory; the model, that is the n-grams not pruned, may not. KenLM: Heafield et al. 2013,
"Scalable Modified Kneser-Ney Language Model Estimation".
"""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from asr.errors import LanguageModelError
from asr.lm.contexts import number_grams
from asr.lm.counting import Run, blocks_of, count_grams
from asr.lm.discounts import discounts_of
from asr.lm.kernels.adjust import adjust, count_counts
from asr.lm.kernels.smoothing import add_sums, interpolate, log_backoffs
from asr.lm.kernels.text import BEGIN_ID, UNKNOWN_ID
from asr.lm.sentences import new_vocabulary, read_ids, read_vocabulary
from asr.lm.tables import Grams, Tables

_BLOCK = 1 << 16  # n-grams adjusted at once


@dataclass(frozen=True)
class Recipe:
    """How to estimate a model.

    prune: an n-gram of order k is left out where its count in the text is at most prune[k - 1], the last value standing
    for all higher orders. units: `words` or `chars`, see lm/sentences.py. vocabulary: a file of the only words that are
    not <unk>. memory: bytes for counting, beyond which files are used.
    """

    order: int
    prune: tuple[int, ...] = (0,)
    units: str = "words"
    vocabulary: Path | None = None
    discount_fallback: bool = False
    memory: int = 1 << 30

    def thresholds(self) -> np.ndarray:
        """The pruning threshold of each order (N,); raises LanguageModelError where they cannot be meant."""
        given = list(self.prune) or [0]
        where = f"--prune {' '.join(map(str, given))}"
        if self.order < 1:
            raise LanguageModelError(f"--order {self.order}: is no order; expected 1 or more; say 3")
        if len(given) > self.order:
            raise LanguageModelError(
                f"{where}: too many values; expected at most {self.order}, one an order; drop some"
            )
        if given[0] != 0:
            raise LanguageModelError(f"{where}: prunes words; expected 0 for order 1; limit words with --vocab")
        if sorted(given) != given:
            raise LanguageModelError(f"{where}: falls; expected values that never fall; sort them")
        return np.array(given + [given[-1]] * (self.order - len(given)), np.int64)


def estimate(texts: Sequence[Path], recipe: Recipe, scratch: Path | None = None) -> Tables:
    """The model of the sentences, one a line, of UTF-8 texts, .gz or not.

    Files of what exceeds recipe.memory are made in the folder `scratch` (the system's, unless told) and removed.
    Raises LanguageModelError for texts that cannot be used or are too few to estimate from.
    """
    thresholds = recipe.thresholds()
    closed = recipe.vocabulary is not None
    vocabulary = read_vocabulary(recipe.vocabulary, recipe.units) if recipe.vocabulary else new_vocabulary()
    with tempfile.TemporaryDirectory(prefix=".asr-lm-", dir=scratch) as folder:
        ids = read_ids(texts, vocabulary, recipe.units, closed)
        run = count_grams(ids, recipe.order, recipe.memory, Path(folder))
        if not len(run.counts):
            raise LanguageModelError(f"{texts[0]}: no sentences; expected one a line; give another text")
        return _model(lambda: _adjusted(run), thresholds, vocabulary.words(), recipe.discount_fallback)


class _Entries(NamedTuple):
    """n-grams of all orders: grams (n, N), right-aligned, and facts (n, 4): order, adjusted, raw and listed count."""

    grams: np.ndarray
    facts: np.ndarray


class _Kept(NamedTuple):
    """The n-grams of one order that are not pruned, sorted: words (n, k) and adjusted counts (n,)."""

    words: np.ndarray
    adjusted: np.ndarray


def _adjusted(run: Run) -> Iterator[_Entries]:
    """The n-grams of all orders, each once."""
    order, done = run.rows.shape[1], 0
    before, opened = np.zeros(order, np.int32), np.zeros(1, np.int64)
    adjusted, raw = np.zeros(order, np.int64), np.zeros(order, np.int64)
    for rows, counts in blocks_of(run, _BLOCK):
        done += len(counts)
        room = (len(counts) + 1) * order
        grams, facts = np.zeros((room, order), np.int32), np.empty((room, 4), np.int64)
        last = done == len(run.counts)
        n = adjust(rows, counts, last, before, opened, adjusted, raw, grams, facts)
        yield _Entries(grams[:n], facts[:n])


def _model(
    entries: Callable[[], Iterator[_Entries]], thresholds: np.ndarray, words: tuple[str, ...], fallback: bool
) -> Tables:
    kept, counts = _keep(entries(), thresholds, len(words))
    discounts = discounts_of(counts, fallback)
    arcs, firsts = number_grams([grams for grams, _ in kept[:-1]])
    totals, spared = np.zeros(firsts[-1]), np.zeros(firsts[-1])
    for grams, facts in entries():
        add_sums(arcs, grams, facts, thresholds, discounts, totals, spared)
    orders, probs = [], np.empty(0)
    for k, (grams, adjusted) in enumerate(kept, 1):
        if k == 1:
            probs = _unigrams(adjusted, discounts[0], totals[0], spared[0])
        else:
            longer = np.empty(len(grams))
            shorter = kept[k - 2].words
            interpolate(arcs, grams, adjusted, discounts[k - 1], totals, spared, shorter, probs, longer)
            probs = longer
        backoffs = np.zeros(len(grams))
        if k < len(kept):
            here = slice(firsts[k - 1], firsts[k])
            log_backoffs(totals[here], spared[here], backoffs)
        orders.append(Grams(grams, np.log(probs), backoffs))
    return Tables(words, tuple(orders))


def _keep(entries: Iterator[_Entries], thresholds: np.ndarray, words: int) -> tuple[list[_Kept], np.ndarray]:
    """The n-grams of each order that stay, all words among them; and the counts of adjusted counts (N, 5) of all."""
    order = len(thresholds)
    counts = np.zeros((order, 5), np.int64)
    parts: list[list[_Kept]] = [[] for _ in range(order)]
    unigrams = np.zeros(words, np.int64)
    for grams, facts in entries:
        count_counts(facts, counts)
        stays = facts[:, 2] > thresholds[facts[:, 0] - 1]
        for k in range(1, order + 1):
            these = np.flatnonzero(stays & (facts[:, 0] == k))
            parts[k - 1].append(_Kept(grams[these, order - k :], facts[these, 1]))
        unigrams[parts[0][-1].words[:, 0]] = parts[0][-1].adjusted
    kept = [_Kept(*(np.concatenate(arrays) for arrays in zip(*part, strict=True))) for part in parts]
    kept[0] = _Kept(np.arange(words, dtype=np.int32)[:, None], unigrams)
    return kept, counts


def _unigrams(adjusted: np.ndarray, discounts: np.ndarray, total: float, spared: float) -> np.ndarray:
    """Probabilities of words: discounted, plus an equal share of what is spared for each word but <s>."""
    probs = (adjusted - discounts[np.minimum(adjusted, 3)] + spared / (len(adjusted) - 1)) / total
    probs[BEGIN_ID] = 1.0  # KenLM's log10 probability 0: <s> is never predicted, only a context
    assert adjusted[UNKNOWN_ID] or probs[UNKNOWN_ID] > 0.0
    return probs
