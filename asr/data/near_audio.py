"""Recordings that sound the same though their samples differ: copies cut, made louder, resampled or compressed anew.

Codes of asr.audio.fingerprint are looked up in pairs a third of a second apart, as words in an index; what shares such
words at the same distance is compared bit by bit. Recordings of less than about 1.5 s have too few codes to tell.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from asr.audio.fingerprint import NEAR, Match, compare

_APART = 20  # rows between the two codes of a word: no sample is in both
_SHARED = 0.8  # of the speech of the shorter one that has to be in both
WHOLE = 0.85  # of the speech of the longer one, so that both say the same
_MOST = 30_000_000  # words that are looked up, 0.7 GB while sorting: those of 130 h; of more, every 2nd, 4th … kind


class Pair(NamedTuple):
    """Two recordings (first < second) that sound the same, and how they match."""

    first: int
    second: int
    match: Match


def near_recordings(codes: Sequence[np.ndarray]) -> list[Pair]:
    """The pairs among recordings given by their codes (T,) uint16. Of many copies each is paired with some other, but
    two that are known to be the same through a third are not compared.
    """
    words, owners, rows = _words(codes)
    order = np.argsort(words, kind="stable")
    words, owners, rows = words[order], owners[order], rows[order]
    new = np.r_[True, (words[1:] != words[:-1]) | (owners[1:] != owners[:-1])][: len(words)]
    words, owners, rows = words[new], owners[new], rows[new]  # of rows of one recording with one word, the first
    same = words[1:] == words[:-1]
    first, second = owners[:-1][same], owners[1:][same]
    shifts = rows[:-1][same] - rows[1:][same]
    met: dict[tuple[int, int], list[int]] = {}
    for a, b, shift in zip(first.tolist(), second.tolist(), shifts.tolist(), strict=True):
        met.setdefault((a, b), []).append(shift)
    found, groups = [], Groups(len(codes))
    for (a, b), all_shifts in sorted(met.items()):
        if groups.of(a) == groups.of(b):
            continue
        matches = [m for shift in _likely(all_shifts) if (m := compare(codes[a], codes[b], shift)) is not None]
        best = min(matches, default=None)
        if best is not None and best.difference <= NEAR and best.of_shorter >= _SHARED:
            found.append(Pair(a, b, best))
            if best.of_longer >= WHOLE:
                groups.join(a, b)
    return found


class Groups:
    """Disjoint groups of the numbers below `count`, each alone at first; called by the smallest in them."""

    def __init__(self, count: int) -> None:
        self._above = list(range(count))

    def of(self, member: int) -> int:
        """The smallest of the member's group."""
        while self._above[member] != member:
            self._above[member] = self._above[self._above[member]]
            member = self._above[member]
        return member

    def join(self, a: int, b: int) -> None:
        """Make one group of those of two members."""
        first, second = sorted((self.of(a), self.of(b)))
        self._above[second] = first


def _words(codes: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Every word (uint32), whose it is and its row; of a corpus too large, the words of some kinds only."""
    total = sum(max(0, len(code) - _APART) for code in codes)
    kinds = 1 << max(0, (-(-total // _MOST) - 1).bit_length())
    words, owners, rows = [], [], []
    for i, code in enumerate(codes):
        early, late = code[:-_APART].astype(np.uint32), code[_APART:].astype(np.uint32)
        word = early | late << np.uint32(16)
        kept = np.flatnonzero((early > 0) & (late > 0) & (_mixed(word) % kinds == 0))
        words.append(word[kept])
        rows.append(kept.astype(np.int32))
        owners.append(np.full(len(kept), i, np.int32))
    if not words:
        return np.zeros(0, np.uint32), np.zeros(0, np.int32), np.zeros(0, np.int32)
    return np.concatenate(words), np.concatenate(owners), np.concatenate(rows)


def _mixed(words: np.ndarray) -> np.ndarray:
    """A kind for every word that has nothing to do with its bits (Knuth's multiplicative hash, upper half)."""
    return (words * np.uint32(2654435761)) >> np.uint32(16)


def _likely(shifts: Sequence[int]) -> set[int]:
    """The commonest distance between two recordings, and those next to it."""
    middle = max(set(shifts), key=lambda shift: (shifts.count(shift), -abs(shift)))
    return {middle - 1, middle, middle + 1}
