"""What a check of manifests found, as data and as text to read. Knows nothing of how it was found."""

import unicodedata
from dataclasses import dataclass

from asr.data.material import Spoken
from asr.data.near_audio import WHOLE

_SHOWN = 10  # findings of one kind that are written out
_LISTED = 50  # words outside the lexicon that are listed


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong or odd: its kind, and the line that says where, what, and what to do.

    `manifest` and `ids` are where it is to be seen; empty where it is about all of it.
    """

    kind: str
    message: str
    manifest: str | None = None
    ids: tuple[str, ...] = ()


def about(manifest: str, id: str, kind: str, what: str) -> Finding:
    """A finding about one utterance of a manifest."""
    return Finding(kind, f"utt {id}: {what}", manifest, (id,))


@dataclass(frozen=True, slots=True)
class Split:
    """One manifest in figures; durations are seconds: shortest, median, longest."""

    name: str
    utterances: int
    hours: float
    speakers: int
    durations: tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Character:
    """A character of the normalised texts: its count, the first manifest and utterance with it, whether it is known."""

    character: str
    count: int
    manifest: str
    example: str
    known: bool

    @property
    def name(self) -> str:
        """The Unicode name, or the code point of a character that has none."""
        return unicodedata.name(self.character, f"U+{ord(self.character):04X}")


@dataclass(frozen=True, slots=True)
class Word:
    """A word of the normalised texts that the lexicon does not know: its count, the first manifest and utterance."""

    word: str
    count: int
    manifest: str
    example: str


@dataclass(frozen=True, slots=True)
class Alike:
    """Two utterances that sound the same, the earlier one in the manifests first: the share of bits in which their
    fingerprints differ, and the share of the longer one's speech that is in both. `copy`: the samples are the same."""

    first: Spoken
    second: Spoken
    difference: float
    share: float
    copy: bool

    @property
    def contradict(self) -> bool:
        """Whether one sound has two transcripts, so that one of them is wrong; not where one is a part of the other."""
        return self.share >= WHOLE and self.first.text != self.second.text


@dataclass(frozen=True, slots=True)
class Overlap:
    """What the second of two manifests, of so many utterances, shares with the first: speakers, the number of its
    utterances whose text stands there too, (its text, one there) of those that are one of there but for a word, and how
    many of its utterances are heard in recordings of there."""

    first: str
    second: str
    utterances: int
    speakers: tuple[str, ...]
    texts: int
    near: tuple[tuple[str, str], ...]
    recordings: int


@dataclass(frozen=True, slots=True)
class Report:
    """All findings: errors keep a run from starting or from meaning anything, warnings are worth a look."""

    splits: tuple[Split, ...]
    characters: tuple[Character, ...]
    errors: tuple[Finding, ...]
    warnings: tuple[Finding, ...]
    words: tuple[Word, ...] = ()  # outside the lexicon
    copies: tuple[Alike, ...] = ()  # what sounds the same
    overlaps: tuple[Overlap, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether there is no error."""
        return not self.errors

    def render(self) -> str:
        """The report as text: figures of each manifest, unknown characters and words, errors, warnings, verdict."""
        parts = [_table(self.splits), _unknown(self.characters), _unknown_words(self.words)]
        parts += [_findings("errors", self.errors), _findings("warnings", self.warnings)]
        parts.append(f"{len(self.errors)} errors, {len(self.warnings)} warnings")
        return "\n\n".join(part for part in parts if part) + "\n"


def _table(splits: tuple[Split, ...]) -> str:
    width = max([8, *(len(split.name) for split in splits)])
    head = f"{'manifest':<{width}}  utterances   hours  speakers  shortest  median  longest"
    rows = [
        f"{s.name:<{width}}  {s.utterances:>10}  {s.hours:>6.2f}  {s.speakers or '?':>8}"
        f"  {s.durations[0]:>6.2f} s  {s.durations[1]:>4.1f} s  {s.durations[2]:>5.1f} s"
        for s in splits
    ]
    return "\n".join([head, *rows])


def _unknown(characters: tuple[Character, ...]) -> str:
    rows = [f"  {c.character!r:<9} {c.count:>7}  {c.name:<44} {c.example}" for c in characters if not c.known]
    return "\n".join(["characters outside the alphabet: count, name, first utterance", *rows]) if rows else ""


def _unknown_words(words: tuple[Word, ...]) -> str:
    rows = [f"  {w.word:<20} {w.count:>7}  {w.example}" for w in words[:_LISTED]]
    rows += [f"  … and {len(words) - _LISTED} more"] if len(words) > _LISTED else []
    return "\n".join(["words outside the lexicon: count, first utterance", *rows]) if rows else ""


def _findings(title: str, findings: tuple[Finding, ...]) -> str:
    lines = []
    for kind in dict.fromkeys(f.kind for f in findings):
        messages = [f.message for f in findings if f.kind == kind]
        lines.append(f"{title}: {kind} ({len(messages)})")
        lines += [f"  {message}" for message in messages[:_SHOWN]]
        if len(messages) > _SHOWN:
            lines.append(f"  … and {len(messages) - _SHOWN} more")
    return "\n".join(lines)
