"""Whether confidences mean what they say: of words said to be right with 80 %, 80 % should be.

Knows confidences and which words were right; not where either comes from.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from asr.evaluation.errors import align_words

BINS = 10

Judged = tuple[str, float, bool]  # a word, its confidence, whether it is right


@dataclass(frozen=True, slots=True)
class Bin:
    """The words whose confidence lies in [low, high): their number, mean confidence and the share that is right."""

    low: float
    high: float
    words: int
    confidence: float
    right: float


@dataclass(frozen=True, slots=True)
class Reliability:
    """How far confidences can be trusted.

    ece: the expected calibration error (Naeini et al. 2015), the mean distance of a bin's confidence from its share of
    right words, weighted by words. brier: the mean squared distance of confidence from 1 or 0. nce: the normalised
    cross entropy of NIST, what the confidences say of the words beyond their rate, at most 1, below 0 where they
    mislead; None where all are right, or all wrong.
    """

    words: int
    ece: float
    brier: float
    nce: float | None
    bins: tuple[Bin, ...]

    def row(self) -> dict[str, Any]:
        """The object of summary.json."""
        bins = [
            {"low": b.low, "high": b.high, "words": b.words, "confidence": round(b.confidence, 4),
             "right": round(b.right, 4)}
            for b in self.bins
        ]  # fmt: skip
        nce = None if self.nce is None else round(self.nce, 4)
        return {"words": self.words, "ece": round(self.ece, 4), "brier": round(self.brier, 4), "nce": nce, "bins": bins}

    def render(self) -> str:
        """The table of the report; bins without words are left out."""
        nce = "" if self.nce is None else f", normalised cross entropy {self.nce:.3f}"
        head = f"Confidence of words: calibration error (ECE) {100 * self.ece:.2f} %, Brier score {self.brier:.4f}{nce}"
        rows = [
            f"{b.low:.1f} to {b.high:.1f}   {b.words:>6}  {100 * b.confidence:>8.1f} %  {100 * b.right:>6.1f} %"
            for b in self.bins
            if b.words
        ]
        return "\n".join([head, "confidence    words        mean     right", *rows])


def judged(reference: str, hypothesis: str, confidences: Sequence[float]) -> tuple[Judged, ...]:
    """The words of the hypothesis, a confidence each, and whether the alignment with the reference finds them right."""
    pairs = [(said, heard) for said, heard in align_words(reference, hypothesis) if heard is not None]
    return tuple(
        (str(heard), float(confidence), said == heard)
        for (said, heard), confidence in zip(pairs, confidences, strict=True)
    )


def reliability(words: Sequence[Judged]) -> Reliability | None:
    """The reliability of the confidences; None without words."""
    if not words:
        return None
    confidences = np.array([confidence for _, confidence, _ in words])
    right = np.array([good for _, _, good in words], dtype=float)
    place = np.minimum((confidences * BINS).astype(int), BINS - 1)
    bins = []
    for i in range(BINS):
        inside = place == i
        count = int(inside.sum())
        means = (float(confidences[inside].mean()), float(right[inside].mean())) if count else (0.0, 0.0)
        bins.append(Bin(i / BINS, (i + 1) / BINS, count, *means))
    ece = sum(b.words * abs(b.confidence - b.right) for b in bins) / len(words)
    return Reliability(
        len(words), float(ece), float(np.mean((confidences - right) ** 2)), _nce(confidences, right), tuple(bins)
    )


def _nce(confidences: np.ndarray, right: np.ndarray) -> float | None:
    rate = float(right.mean())
    if not 0 < rate < 1:
        return None
    sure = np.clip(confidences, 1e-9, 1 - 1e-9)  # one wrong word of confidence 1 would be infinitely wrong
    entropy = -rate * np.log(rate) - (1 - rate) * np.log(1 - rate)
    return float(1 + np.mean(right * np.log(sure) + (1 - right) * np.log(1 - sure)) / entropy)
