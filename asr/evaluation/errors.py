"""Errors of a hypothesis against its reference, counted on the alignment with the fewest of them.

Of the alignments with the fewest errors those with the fewest substitutions count: more words are right in them, and
the split into substitutions, deletions and insertions is then one only. Counts add up over a corpus and are divided
once, at the end. Knows no normalisation: that is done before.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

import numpy as np

Pair = tuple[str | None, str | None]  # what was said and what was recognised; None where there is nothing


@dataclass(frozen=True, slots=True)
class ErrorCounts:
    """Errors and the length they are measured against, in words or in characters. Adds up over utterances."""

    substitutions: int = 0
    deletions: int = 0
    insertions: int = 0
    reference_length: int = 0

    @property
    def errors(self) -> int:
        """Substitutions, deletions and insertions together."""
        return self.substitutions + self.deletions + self.insertions

    @property
    def rate(self) -> float:
        """Errors over reference length, a fraction never clamped: insertions can bring it above 1.

        Of an empty reference it is 0 where nothing was inserted and infinite elsewhere.
        """
        if self.reference_length == 0:
            return inf if self.errors else 0.0
        return self.errors / self.reference_length

    def __add__(self, other: "ErrorCounts") -> "ErrorCounts":
        return ErrorCounts(
            self.substitutions + other.substitutions,
            self.deletions + other.deletions,
            self.insertions + other.insertions,
            self.reference_length + other.reference_length,
        )


def word_errors(reference: str, hypothesis: str) -> ErrorCounts:
    """Errors between the words of two texts; words are what stands between white space."""
    return _counts(reference.split(), hypothesis.split())


def character_errors(reference: str, hypothesis: str) -> ErrorCounts:
    """Errors between the characters of two texts; a space is one, and so is a run of white space."""
    return _counts(_spaced(reference), _spaced(hypothesis))


def align_words(reference: str, hypothesis: str) -> list[Pair]:
    """An alignment `word_errors` counts: (word, word) pairs; None stands for the word that is not there."""
    return _aligned(reference.split(), hypothesis.split())


def align_characters(reference: str, hypothesis: str) -> list[Pair]:
    """An alignment `character_errors` counts; takes as many bytes as the product of the two lengths."""
    return _aligned(_spaced(reference), _spaced(hypothesis))


def _spaced(text: str) -> str:
    return " ".join(text.split())


def _symbols(reference: Sequence[str], hypothesis: Sequence[str]) -> tuple[np.ndarray, np.ndarray, int]:
    """Both as numbers, (N,) and (M,) int64, and a cost of one error above that of all substitutions there can be."""
    numbers: dict[str, int] = {}
    both = [
        np.fromiter((numbers.setdefault(s, len(numbers)) for s in side), np.int64, len(side))
        for side in (reference, hypothesis)
    ]
    return both[0], both[1], len(reference) + len(hypothesis) + 1


def _counts(reference: Sequence[str], hypothesis: Sequence[str]) -> ErrorCounts:
    from asr.evaluation.kernels.alignment import cost  # brings numba, half a second

    if reference == hypothesis:
        return ErrorCounts(reference_length=len(reference))
    said, heard, unit = _symbols(reference, hypothesis)
    errors, substitutions = divmod(int(cost(said, heard, unit)), unit)
    insertions = (errors - substitutions + len(heard) - len(said)) // 2
    return ErrorCounts(substitutions, errors - substitutions - insertions, insertions, len(said))


def _aligned(reference: Sequence[str], hypothesis: Sequence[str]) -> list[Pair]:
    from asr.evaluation.kernels.alignment import DELETION, INSERTION, path

    steps = path(*_symbols(reference, hypothesis))
    said, heard = iter(reference), iter(hypothesis)
    return [(next(said) if s != INSERTION else None, next(heard) if s != DELETION else None) for s in steps]
