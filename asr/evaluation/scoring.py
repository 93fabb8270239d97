"""Hypotheses scored against references that any program wrote: ids matched strictly, texts taken as they are."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from operator import add
from pathlib import Path

from asr.errors import ManifestError
from asr.evaluation.errors import ErrorCounts, character_errors, word_errors
from asr.evaluation.figures import percent
from asr.evaluation.texts import read_both, read_texts

Texts = dict[str, tuple[str, int]]


@dataclass(frozen=True, slots=True)
class Score:
    """Errors summed over utterances, and how many utterances hold one."""

    words: ErrorCounts
    characters: ErrorCounts
    utterances: int
    wrong_utterances: int

    def render(self) -> str:
        """The score in lines for people; rates in per cent with five digits behind the point."""
        w, c = self.words, self.characters
        return (
            f"utterances     {self.utterances}\n"
            f"words          {w.reference_length}\n"
            f"substitutions  {w.substitutions}\n"
            f"insertions     {w.insertions}\n"
            f"deletions      {w.deletions}\n"
            f"WER            {percent(w.rate, 5)}   {w.errors} errors in {w.reference_length} words\n"
            f"CER            {percent(c.rate, 5)}   {c.errors} errors in {c.reference_length} characters\n"
            f"SER            {100 * self.wrong_utterances / max(1, self.utterances):.5f} %   "
            f"{self.wrong_utterances} of {self.utterances} utterances hold an error\n"
        )


def score_files(reference: Path, hypothesis: Path | None) -> Score:
    """Score two files of texts, or a results.jsonl (or the folder of one) that holds both.

    Raises ManifestError where a file cannot be read, or an id of one is not in the other.
    """
    if hypothesis is None:
        said, heard = read_both(reference / "results.jsonl" if reference.is_dir() else reference)
    else:
        said, heard = read_texts(reference, "reference"), read_texts(hypothesis, "hypothesis")
        _match(reference, said, hypothesis, heard, "hypothesis")
        _match(hypothesis, heard, reference, said, "reference")
    return score((text, heard[name][0]) for name, (text, _) in said.items())


def score(pairs: Iterable[tuple[str, str]]) -> Score:
    """The score of (reference, hypothesis) pairs."""
    counted = [(word_errors(*pair), character_errors(*pair)) for pair in pairs]
    return Score(
        reduce(add, (words for words, _ in counted), ErrorCounts()),
        reduce(add, (characters for _, characters in counted), ErrorCounts()),
        len(counted),
        sum(words.errors > 0 for words, _ in counted),
    )


def _match(here: Path, ours: Texts, there: Path, theirs: Texts, what: str) -> None:
    missing = [name for name in ours if name not in theirs]
    if missing:
        name, more = missing[0], f" (and {len(missing) - 1} ids more)" if len(missing) > 1 else ""
        raise ManifestError(
            f"{here}:{ours[name][1]}: id {name!r}{more} has no {what} in {there}; expected the same ids in both; "
            "add the line, with no text where nothing was heard, or remove this one"
        )
