"""Words and their ids, kept so that compiled code can look them up and add to them."""

from collections.abc import Iterable
from itertools import pairwise

import numpy as np

from asr.lm.kernels.words import add_lines, rehash


class Vocabulary:
    """Words by id, in order of arrival; `table` is what compiled code takes (see lm/kernels/words.py)."""

    def __init__(self, words: Iterable[str] = ()) -> None:
        self.slots = np.full(1 << 12, -1, np.int64)
        self.arena = np.empty(1 << 14, np.uint8)
        self.starts = np.zeros((1 << 11) + 1, np.int64)
        self.size = np.zeros(1, np.int64)
        self.add(words)

    def __len__(self) -> int:
        return int(self.size[0])

    @property
    def table(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """slots, arena, starts, size."""
        return self.slots, self.arena, self.starts, self.size

    def words(self) -> tuple[str, ...]:
        """All words by id."""
        data, starts = self.arena.tobytes(), self.starts[: len(self) + 1].tolist()
        return tuple(data[a:b].decode() for a, b in pairwise(starts))

    def add(self, words: Iterable[str]) -> tuple[np.ndarray, np.ndarray]:
        """The ids of words without line breaks, given anew where they have none; and which were new (bool)."""
        lines = list(words)
        data = np.frombuffer("".join(word + "\n" for word in lines).encode(), np.uint8)
        ids, fresh = np.empty(len(lines), np.int64), np.zeros(len(lines), np.bool_)
        at = done = 0
        while at < len(data):
            at, n = add_lines(*self.table, data, at, ids[done:], fresh[done:])
            done += n
            if at < len(data):
                self.grow(int((data[at:] == 10).argmax()))
        return ids, fresh

    def grow(self, word_bytes: int = 0) -> None:
        """Make room for twice as many words, one of `word_bytes` among them."""
        count, used = len(self), int(self.starts[len(self)])
        self.starts = np.concatenate([self.starts, np.zeros(len(self.starts), np.int64)])
        arena = np.empty(2 * len(self.arena) + word_bytes, np.uint8)
        arena[:used] = self.arena[:used]
        self.arena = arena
        self.slots = np.full(2 * len(self.slots), -1, np.int64)
        rehash(self.slots, self.arena, self.starts, count)
