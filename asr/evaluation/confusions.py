"""Which words and characters were taken for which, and which were lost or made up."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from asr.evaluation.errors import Pair, align_characters

Ranked = list[tuple[str, int]]
_SHOWN = 25
_SPACE = "␣"
_LONGEST = 5_000  # characters that are aligned: as many squared bytes are needed


@dataclass(frozen=True, slots=True)
class Confusions:
    """The most frequent errors of each kind, with how often they came; words and characters."""

    substituted: Ranked
    deleted: Ranked
    inserted: Ranked
    characters: Ranked


def confusions(alignments: Iterable[list[Pair]]) -> Confusions:
    """The confusions in word alignments.

    Characters are aligned between the words of each stretch of errors, the words around them being right.
    """
    wrong = [stretch for pairs in alignments for stretch in _stretches(pairs)]
    errors = [pair for stretch in wrong for pair in stretch]
    characters = [pair for stretch in wrong for pair in _characters(stretch)]
    return Confusions(
        _ranked(f"{said} → {heard}" for said, heard in errors if said and heard),
        _ranked(said for said, heard in errors if said and not heard),
        _ranked(heard for said, heard in errors if heard and not said),
        _ranked(f"{said or '∅'} → {heard or '∅'}" for said, heard in characters if said != heard),
    )


def _stretches(pairs: list[Pair]) -> Iterator[list[Pair]]:
    """The runs of errors in an alignment."""
    run: list[Pair] = []
    for pair in pairs:
        if pair[0] != pair[1]:
            run.append(pair)
        elif run:
            yield run
            run = []
    if run:
        yield run


def _characters(stretch: list[Pair]) -> list[Pair]:
    said, heard = (" ".join(word for word in side if word) for side in zip(*stretch, strict=True))
    if not said or not heard or max(len(said), len(heard)) > _LONGEST:
        return []  # a word lost as a whole says nothing of its characters
    return [(_visible(a), _visible(b)) for a, b in align_characters(said, heard)]


def _visible(character: str | None) -> str | None:
    return _SPACE if character == " " else character


def _ranked(entries: Iterable[str]) -> Ranked:
    return sorted(Counter(entries).items(), key=lambda item: (-item[1], item[0]))[:_SHOWN]
