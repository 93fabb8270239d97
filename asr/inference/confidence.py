"""How sure a recogniser is of a word, as a number in [0, 1]. Knows scores and two numbers that calibrate them."""

import math
from collections.abc import Iterable
from dataclasses import replace

from asr.types import Span

LEAST = 1e-9  # probabilities this near to 0 and 1 are told apart no further: the logit of either is infinite


def confidence(score: float, slope: float = 1.0, offset: float = 0.0) -> float:
    """The geometric mean of a word's frame probabilities, p = exp(score), calibrated: σ(slope · logit(p) + offset).

    `score` is the mean log probability (nats). With slope 1 and offset 0 it is p itself (Platt 1999).
    """
    p = math.exp(min(score, 0.0))
    if (slope, offset) == (1.0, 0.0):
        return p
    p = min(max(p, LEAST), 1.0 - LEAST)
    x = slope * (math.log(p) - math.log1p(-p)) + offset
    return 1.0 / (1.0 + math.exp(-x)) if x >= 0 else math.exp(x) / (1.0 + math.exp(x))


def calibrated(spans: Iterable[Span], slope: float, offset: float) -> tuple[Span, ...]:
    """The spans, each with its confidence."""
    return tuple(replace(span, confidence=confidence(span.score, slope, offset)) for span in spans)
