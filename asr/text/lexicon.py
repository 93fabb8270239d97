"""A pronunciation lexicon in the format of CMUdict: which phones a word is made of, in one or several ways.

Knows the format and the stress digits of ARPABET; which phones there are, and what they sound like, is the file's word.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path

from asr.errors import VocabularyError
from asr.files import write_text

Phones = tuple[str, ...]

_VARIANT = re.compile(r"(.+)\((\d+)\)$")  # WORD(1) or WORD(2): another pronunciation of WORD
_COMMENT = re.compile(r"\s#(?:\s|$)")  # after an entry, as in the newer cmudict.dict
_STRESSED = re.compile(r"([A-Za-z]{2})[012]$")  # AH0, ih1: a vowel of ARPABET and how it is stressed


class Lexicon:
    """Words and their pronunciations, in the order of the file; the first pronunciation is the usual one."""

    def __init__(self, pronunciations: Mapping[str, Iterable[Iterable[str]]]) -> None:
        """Raises VocabularyError: a word that is empty, holds white space, or has no phone."""
        self.pronunciations: dict[str, tuple[Phones, ...]] = {
            word: tuple(dict.fromkeys(tuple(phones) for phones in ways)) for word, ways in pronunciations.items()
        }
        for word, ways in self.pronunciations.items():
            if word.split() != [word] or not ways or not all(ways):
                raise VocabularyError(f"lexicon: {word!r} with phones {ways!r}; expected a word and phones; mend it")

    def __len__(self) -> int:
        return len(self.pronunciations)

    def __contains__(self, word: str) -> bool:
        return word in self.pronunciations

    @cached_property
    def phones(self) -> tuple[str, ...]:
        """The distinct phones, in code point order."""
        return tuple(sorted({phone for ways in self.pronunciations.values() for way in ways for phone in way}))

    @cached_property
    def words(self) -> dict[Phones, str]:
        """The word of every pronunciation; of words that sound alike, the first in the lexicon."""
        found: dict[Phones, str] = {}
        for word, ways in self.pronunciations.items():
            for way in ways:
                found.setdefault(way, word)
        return found

    def lines(self) -> Iterator[str]:
        """`word phone phone …` for each pronunciation: what `from_lines` reads, and what a model keeps."""
        for word, ways in self.pronunciations.items():
            yield from (" ".join((word, *way)) for way in ways)

    @classmethod
    def from_lines(cls, lines: Iterable[str]) -> "Lexicon":
        """The lexicon whose `lines` these are."""
        pronunciations: dict[str, list[list[str]]] = {}
        for line in lines:
            word, *phones = line.split()
            pronunciations.setdefault(word, []).append(phones)
        return cls(pronunciations)


def read_lexicon(path: Path, normalize: Callable[[str], str] = str, strip_stress: bool = True) -> Lexicon:
    """The lexicon in a CMUdict file: `WORD  P1 P2`, variants `WORD(1)`, comments `;;;` and ` # …`.

    Words are written as `normalize` writes them; entries that it makes no word of, or several, are left out, since
    no transcript can hold them. Raises VocabularyError with file and line: no file, not UTF-8, a word without phones,
    a variant of no word, no entry at all.
    """
    pronunciations: dict[str, list[list[str]]] = {}
    seen: set[str] = set()
    for number, line in enumerate(_lines(path), 1):
        entry = _COMMENT.split(line, maxsplit=1)[0].split()
        if not entry or line.startswith(";;;"):
            continue
        head, phones = entry[0], [_STRESSED.sub(r"\1", p) if strip_stress else p for p in entry[1:]]
        if not phones:
            raise VocabularyError(f"{path}:{number}: {head!r} has no phones; expected `WORD  P1 P2 …`; add them")
        variant = _VARIANT.match(head)
        if variant and variant[1] not in seen:
            raise VocabularyError(
                f"{path}:{number}: {head!r} is a variant of no word above; expected {variant[1]!r} first; reorder them"
            )
        word = variant[1] if variant else head
        seen.add(word)
        written = normalize(word)
        if written.split() == [written]:
            pronunciations.setdefault(written, []).append(phones)
    if not pronunciations:
        raise VocabularyError(f"{path}: holds no word; expected lines `WORD  P1 P2 …`; let `asr lexicon` write it")
    return Lexicon(pronunciations)


def write_lexicon(path: Path, lexicon: Lexicon) -> None:
    """Write `lexicon` in the format of CMUdict, variants as `word(1)`; `read_lexicon` reads it back equal."""
    rows = []
    for word, ways in lexicon.pronunciations.items():
        rows += [f"{word if not i else f'{word}({i})'}  {' '.join(way)}\n" for i, way in enumerate(ways)]
    write_text(path, "".join(rows))


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8-sig").split("\n")
    except FileNotFoundError:
        raise VocabularyError(
            f"{path}: no such file; expected a pronunciation lexicon; `asr lexicon` makes one, or mend text.lexicon"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise VocabularyError(
            f"{path}: cannot be read ({error}); expected UTF-8 text; CMUdict 0.7b is Latin-1: convert it"
        ) from None
