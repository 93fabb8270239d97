"""Emissions decoded again and again with other weights, on all cores. Knows one decoder and what was really said."""

import math
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import torch

from asr.decoding.beam import BeamDecoder
from asr.decoding.tuning import Axis, Point, Score
from asr.evaluation.errors import character_errors, word_errors
from asr.inference.words import spelt
from asr.interfaces import Tokenizer
from asr.kernels.threads import together
from asr.types import Hypothesis

_AT_ONCE = 8  # points between two words about progress

ALPHA = Axis("alpha", (0.0, 0.4, 0.8, 1.2, 1.6, 2.0), least=0.0)
BETA = Axis("beta", (-1.0, 0.0, 1.0, 2.0, 3.0, 4.0))
INSERTION = Axis("insertion", (-1.0, -0.5, 0.0, 0.5, 1.0, 1.5))
UNKNOWN = Axis("unknown_penalty", (5.0, 10.0, 15.0, 20.0, 25.0, 30.0), least=0.0, most=30.0)  # 30 nats forbid them


def axes_of(decoder: BeamDecoder) -> list[Axis]:
    """The weights that change what the decoder hears."""
    weights = decoder.model.weights
    unknown = decoder.lexicon is not None and math.isfinite(weights.unknown_penalty)
    return [ALPHA] * weights.use_lm + [BETA, INSERTION] + [UNKNOWN] * unknown


class Errors:
    """Counts the errors of hypotheses; what was counted once is remembered."""

    def __init__(self, references: Sequence[str], normalize: Callable[[str], str], tokenizer: Tokenizer) -> None:
        self.references, self.normalize, self.tokenizer = references, normalize, tokenizer
        self.words = sum(len(reference.split()) for reference in references)
        self.characters = sum(len(" ".join(reference.split())) for reference in references)
        self._known: list[dict[object, Score]] = [{} for _ in references]

    def __call__(self, index: int, hypothesis: Hypothesis) -> Score:
        """Errors in words and in characters of what was heard of utterance `index`."""
        key = (hypothesis.tokens, hypothesis.words)
        known = self._known[index]
        if key not in known:
            text = self.normalize(text_of(hypothesis, self.tokenizer))
            reference = self.references[index]
            known[key] = word_errors(reference, text).errors, character_errors(reference, text).errors
        return known[key]


def text_of(hypothesis: Hypothesis, tokenizer: Tokenizer) -> str:
    """The words of a hypothesis, as a transcript has them."""
    words = hypothesis.words if hypothesis.words is not None else spelt(hypothesis.tokens, tokenizer)
    return " ".join(word for word, _, _ in words)


def sweep(
    decoder: BeamDecoder,
    names: Sequence[str],
    emissions: Sequence[np.ndarray],
    errors: Errors,
    told: Callable[[int], None] = lambda done: None,
) -> Callable[[Sequence[Point]], list[Score]]:
    """A function that counts the errors of the decoder at points, values for the weights `names`.

    Utterances are shared out to threads, and each thread goes through the points: none waits for another in between.
    `told` hears how many points are done.
    """
    order = sorted(range(len(emissions)), key=lambda i: -len(emissions[i]))
    threads = max(1, min(torch.get_num_threads(), len(emissions)))

    def some(members: Sequence[int], decoders: Sequence[BeamDecoder]) -> list[Score]:
        rows, scores = [emissions[i] for i in members], []
        for other in decoders:
            found = [errors(i, h[0]) for i, h in zip(members, other.search(rows, threads=1), strict=True)]
            scores.append((sum(s[0] for s in found), sum(s[1] for s in found)))
        return scores

    def count(points: Sequence[Point]) -> list[Score]:
        scores: list[Score] = []
        for first in range(0, len(points), _AT_ONCE):
            chosen = points[first : first + _AT_ONCE]
            decoders = [decoder.weighted(**dict(zip(names, point, strict=True))) for point in chosen]
            parts = together([partial(some, order[k::threads], decoders) for k in range(threads)])
            scores += [(sum(p[0] for p in of), sum(p[1] for p in of)) for of in zip(*parts, strict=True)]
            told(len(chosen))
        return scores

    return count
