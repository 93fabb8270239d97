"""Errors of a hypothesis against its reference, counted on the alignment with the fewest of them.

Counts add up over a corpus and are divided once, at the end. Knows no normalisation: that is done before.
"""

from dataclasses import dataclass
from math import inf

import jiwer


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
    return _counts(jiwer.process_words(_spaced(reference), _spaced(hypothesis)))


def character_errors(reference: str, hypothesis: str) -> ErrorCounts:
    """Errors between the characters of two texts; a space is one, and so is a run of white space."""
    return _counts(jiwer.process_characters(_spaced(reference), _spaced(hypothesis)))


def align_words(reference: str, hypothesis: str) -> list[tuple[str | None, str | None]]:
    """The alignment `word_errors` counts: (word, word) pairs; None stands for the word that is not there."""
    output = jiwer.process_words(_spaced(reference), _spaced(hypothesis))
    pairs: list[tuple[str | None, str | None]] = []
    for chunk in output.alignments[0]:
        said: list[str | None] = [*output.references[0][chunk.ref_start_idx : chunk.ref_end_idx]]
        heard: list[str | None] = [*output.hypotheses[0][chunk.hyp_start_idx : chunk.hyp_end_idx]]
        length = max(len(said), len(heard))  # they differ only where one of them is empty
        pairs += zip(said or [None] * length, heard or [None] * length, strict=True)
    return pairs


def _spaced(text: str) -> str:
    return " ".join(text.split())


def _counts(output: jiwer.WordOutput | jiwer.CharacterOutput) -> ErrorCounts:
    length = output.hits + output.substitutions + output.deletions
    return ErrorCounts(output.substitutions, output.deletions, output.insertions, length)
