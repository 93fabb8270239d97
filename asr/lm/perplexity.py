"""How well a model predicts texts. Knows files and sums; the model does the scoring."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from asr.lm.kernels.automaton import score_text
from asr.lm.kernels.text import BEGIN_ID, END_ID, UNKNOWN_ID
from asr.lm.ngram import NGram
from asr.lm.sentences import new_vocabulary, read_ids


@dataclass(frozen=True)
class Score:
    """Sums over some text: sentences, tokens (</s> among them, where the model has it), tokens out of the vocabulary;
    log_prob (nats) of all tokens, and known_log_prob of those in the vocabulary."""

    sentences: int
    tokens: int
    unknown: int
    log_prob: float
    known_log_prob: float

    def perplexity(self, known: bool = False) -> float:
        """exp of the mean -ln P a token, or a `known` token only; NaN where there is none."""
        total, count = (self.known_log_prob, self.tokens - self.unknown) if known else (self.log_prob, self.tokens)
        if not count:
            return math.nan
        return math.exp(min(700.0, -total / count)) if total > -math.inf else math.inf


def score_lines(model: NGram, path: Path, units: str) -> Iterator[np.ndarray]:
    """ln P of the tokens of each line of a text, (n, 2): the score, and 1.0 where the word is unknown."""
    vocabulary = new_vocabulary()
    places = vocabulary.add(model.words)[0]
    ids = np.full(len(vocabulary), -1, np.int32)  # from the ids of texts to the model's
    ids[places] = np.arange(len(places))
    ids[UNKNOWN_ID] = model.unknown
    end = model.end if model.end >= 0 else -2
    ids[BEGIN_ID], ids[END_ID] = -1, end
    for piece in read_ids([path], vocabulary, units, closed=True):
        log_probs = np.empty(len(piece))
        score_text(model.automaton, model.start, end, ids[piece], log_probs)
        scores = np.stack([log_probs, piece == UNKNOWN_ID], axis=1)
        ends = np.flatnonzero(piece == END_ID) + 1
        keep = 0 if model.end >= 0 else 1
        for a, b in zip([0, *ends[:-1].tolist()], ends.tolist(), strict=True):
            yield scores[a : b - keep]


def total(lines: Iterable[np.ndarray]) -> Score:
    """The sums over lines scored."""
    sentences = tokens = unknown = 0
    log_prob = known = 0.0
    for line in lines:
        out = line[:, 1] > 0
        sentences, tokens, unknown = sentences + 1, tokens + len(line), unknown + int(out.sum())
        log_prob, known = log_prob + float(line[:, 0].sum()), known + float(line[~out, 0].sum())
    return Score(sentences, tokens, unknown, log_prob, known)
