"""A search that is fed frames as they come: start, step, finish. Knows arrays and their room, not what they mean."""

import numpy as np

from asr.decoding.kernels.finish import n_best
from asr.decoding.kernels.parts import ROOT, Beam, Limits, Model, Prefixes, Ranking, Scratch
from asr.decoding.kernels.search import advance

_ROOM = 4096  # prefixes at first; doubled when they run out
_KEPT = 1 << 14  # look-aheads


class PrefixSearch:
    """The state of one utterance's search; `start` makes it ready for the next."""

    def __init__(self, limits: Limits, model: Model) -> None:
        self.limits, self.model = limits, model
        self.prefixes = _prefixes(max(_ROOM, 2 * limits.beam_width))
        self.beam = _beam(limits.beam_width)
        self.scratch = _scratch(limits, model)
        width = limits.beam_width
        self.ranking = Ranking(np.empty(width, np.int32), np.empty(width), np.empty(width, np.uint8))
        self.frames = 0
        self.start()

    def start(self) -> None:
        """Forget what was heard."""
        p, weights = self.prefixes, self.model.weights
        p.parent[0], p.token[0], p.place[0], p.child[0], p.sibling[0] = -1, -1, 0, -1, -1
        p.factor[0], p.lm[0], p.node[0], p.boost[0], p.ahead[0] = 1.0, weights.start, ROOT, self.model.boost.start, 0.0
        self.beam.prefix[0], self.beam.blank[0], self.beam.token[0] = 0, 1.0, 0.0
        self.scratch.counts[:], self.scratch.scale[:], self.frames = 1, 0.0, 0

    def step(self, log_probs: np.ndarray) -> None:
        """Search further frames: log_probs (T, V) float32, C-contiguous. Raises ValueError for another V."""
        if log_probs.shape[1] != len(self.scratch.rank):  # compiled code would read beside its arrays
            raise ValueError(f"emissions of {log_probs.shape[1]} tokens; expected {len(self.scratch.rank)}")
        self.frames += len(log_probs)
        done = advance(log_probs, 0, self.limits, self.model, self.prefixes, self.beam, self.scratch)
        while done < len(log_probs):
            self.prefixes = Prefixes(*(np.concatenate([x, np.empty_like(x)]) for x in self.prefixes))
            done = advance(log_probs, done, self.limits, self.model, self.prefixes, self.beam, self.scratch)

    def finish(self, most: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """The best `most` as if the utterance ended here: scores, lengths, tokens, entries (kernels/finish.py)."""
        most = min(most, int(self.scratch.counts[1]))
        scores, lengths = np.empty((most, 3)), np.empty(most, np.int32)
        tokens, entries = np.empty((most, self.frames), np.int32), np.empty((most, self.frames + 1), np.int32)
        found = (scores, lengths, tokens, entries)
        n = n_best(most, self.model, self.prefixes, self.beam, self.scratch, self.ranking, *found)
        return scores[:n], lengths[:n], tokens[:n], entries[:n]


def _prefixes(room: int) -> Prefixes:
    whole = {name: np.empty(room, np.int32) for name in Prefixes._fields}
    return Prefixes(**(whole | {"factor": np.empty(room), "ahead": np.empty(room)}))


def _beam(width: int) -> Beam:
    return Beam(
        np.zeros(width, np.int32), np.zeros(width), np.zeros(width), np.zeros(width), np.zeros(width),
        np.zeros(width, np.int32),
    )  # fmt: skip


def _scratch(limits: Limits, model: Model) -> Scratch:
    vocabulary = len(model.spelling.word)
    tokens = min(limits.top_tokens, vocabulary)
    new = limits.beam_width * tokens + limits.beam_width
    integers = {name: np.empty(new, np.int32) for name in ("parent", "token", "lm", "node", "boost")}
    return Scratch(
        tokens=np.empty(tokens, np.int32), probs=np.empty(tokens), rank=np.full(vocabulary, -1, np.int32),
        known=np.zeros(new, np.uint8), score=np.empty(new), ahead=np.empty(new), factor=np.empty(new),
        sorting=np.empty(new), table=np.empty(1 << (2 * limits.beam_width).bit_length(), np.int32),
        ahead_key=np.full(_KEPT, -1, np.int64), ahead_value=np.empty(_KEPT),
        counts=np.ones(2, np.int64), scale=np.zeros(1), **integers,
    )  # fmt: skip
