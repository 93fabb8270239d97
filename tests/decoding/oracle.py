"""Beam search by brute force: every labelling there is, scored by definition."""

import itertools
import math
from collections.abc import Callable, Sequence

import numpy as np

from asr.lm.ngram import NGram
from asr.types import Hypothesis


def labellings(emissions: np.ndarray, blank: int = 0) -> dict[tuple[int, ...], float]:
    """ln P of every labelling of (T, V) log probabilities, summed over all V^T paths."""
    totals: dict[tuple[int, ...], float] = {}
    frames, tokens = emissions.shape
    for path in itertools.product(range(tokens), repeat=frames):
        labels = tuple(k for k, _ in itertools.groupby(path) if k != blank)
        p = math.exp(sum(float(emissions[t, k]) for t, k in enumerate(path)))
        totals[labels] = totals.get(labels, 0.0) + p
    return {labels: math.log(p) for labels, p in totals.items() if p > 0}


def ranked(
    emissions: np.ndarray, tokens: Sequence[str], rest: Callable[[str], tuple[float, float] | None], alpha: float,
    insertion: float = 0.0,
) -> list[Hypothesis]:  # fmt: skip
    """Every hypothesis there is, best first. `rest`: text → ln P_lm and what else counts; None where it may not be."""
    found = []
    for labels, acoustic in labellings(emissions).items():
        more = rest("".join(tokens[i] for i in labels))
        if more is not None:
            score = acoustic + alpha * more[0] + more[1] + insertion * len(labels)
            found.append(Hypothesis(labels, (), score, acoustic, more[0]))
    return sorted(found, key=lambda h: -h.score)


def word_rest(
    lm: NGram | None, words: set[str], beta: float, penalty: float = math.inf
) -> Callable[[str], tuple[float, float] | None]:
    """What a text is worth in words: a separator stands behind a word, or before the first one."""

    def rest(text: str) -> tuple[float, float] | None:
        if "  " in text:
            return None
        said = text.split()
        unknown = sum(word not in words for word in said)
        if unknown and penalty == math.inf:
            return None
        scored = sum(lm.score([w if w in words else "<unk>" for w in said])) if lm else 0.0
        return scored, beta * len(said) - (penalty * unknown if unknown else 0.0)

    return rest


def token_rest(lm: NGram | None, beta: float) -> Callable[[str], tuple[float, float]]:
    """What a text is worth in characters: a word begins with the text, and behind every later separator."""

    def rest(text: str) -> tuple[float, float]:
        scored = sum(lm.score(["|" if c == " " else c for c in text])) if lm else 0.0
        return scored, beta * (1 + text[1:].count(" ")) if text else 0.0

    return rest
