"""N-gram models for scoring: words as ids, and an automaton the beam search walks.

All log probabilities are natural logarithms.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from asr.lm import cache
from asr.lm.arpa import read_arpa
from asr.lm.kernels.automaton import STEP, Automaton, score_sentence
from asr.lm.tables import BEGIN, END, UNKNOWN, Tables, automaton

_IMPOSSIBLE = -100.0 * math.log(10.0)  # nats: KenLM's log10 probability -100 of unknown words where <unk> is missing


@dataclass(frozen=True)
class NGram:
    """A back-off n-gram model.

    `words` are the words by id, `ids` the other way around. `start` is the automaton's state after <s>, 0 where the
    model has none; `end` and `unknown` are the ids of </s> and <unk>, -1 where the model has none.
    """

    order: int
    words: tuple[str, ...]
    ids: dict[str, int]
    automaton: Automaton
    start: int
    end: int
    unknown: int

    @classmethod
    def read(cls, path: Path | str) -> "NGram":
        """The model of an ARPA file (.gz or not), from the cache beside it where that is fresh.

        Raises LanguageModelError naming file and line.
        """
        path = Path(path)
        kept = cache.load(path)
        if kept is not None:
            return cls.around(*kept)
        stamp = cache.stamp_of(path) if path.exists() else None
        tables, arrays = read_arpa(path)
        if stamp is not None:
            cache.save(path, stamp, len(tables.orders), tables.words, arrays)
        return cls.around(len(tables.orders), tables.words, arrays)

    @classmethod
    def of(cls, tables: Tables) -> "NGram":
        """The model of these tables; raises LanguageModelError where they are no tree of contexts."""
        return cls.around(len(tables.orders), tables.words, automaton(tables))

    @classmethod
    def around(cls, order: int, words: tuple[str, ...], arrays: Automaton) -> "NGram":
        """The model of an automaton over `words`."""
        ids = {word: i for i, word in enumerate(words)}
        start = int(arrays.unigrams[ids[BEGIN], 1]) if BEGIN in ids else 0
        return cls(order, words, ids, arrays, start, ids.get(END, -1), ids.get(UNKNOWN, ids.get("<UNK>", -1)))

    def opened(self) -> "NGram":
        """The model with a word for all it does not know: its own, or one nearly impossible, as KenLM has it."""
        if self.unknown >= 0:
            return self
        row = np.array([[_IMPOSSIBLE / STEP, 0]], np.int32)
        arrays = self.automaton._replace(unigrams=np.concatenate([self.automaton.unigrams, row]))
        return NGram.around(self.order, (*self.words, UNKNOWN), arrays)

    def score(self, words: Sequence[str]) -> list[float]:
        """ln P (nats) of each word of a sentence and, last, of </s> where the model has it.

        A word the model does not know is <unk>; without <unk> it scores -inf and the context starts anew behind it.
        """
        ids = [self.ids.get(word, self.unknown) for word in words] + ([self.end] if self.end >= 0 else [])
        row = np.array(ids, np.int32)
        scores = np.full(len(row), -np.inf)
        state, at = self.start, 0
        for hole in [*np.flatnonzero(row < 0).tolist(), len(row)]:
            score_sentence(self.automaton, state, row[at:hole], scores[at:hole])
            state, at = 0, hole + 1
        return [float(s) for s in scores]

    def perplexity(self, sentences: Iterable[Sequence[str]]) -> float:
        """exp of the mean -ln P a word, each sentence's </s> counted as one; NaN for no words at all."""
        total, count = 0.0, 0
        for sentence in sentences:
            scores = self.score(sentence)
            total, count = total + sum(scores), count + len(scores)
        return math.exp(-total / count) if count and total > -math.inf else (math.inf if count else math.nan)
