"""What a model reaches that does not listen: the yardsticks that tell a plateau from learning.

Such a model says the same distribution p in every frame. A path of T frames that collapses to targets y_1 … y_L, with
label y_i in n_i >= 1 frames and blanks in the rest, costs -sum n_i log p(y_i) - (T - sum n_i) log p(blank), and the
paths are counted by the generating function

    P(y | T) = [z^T]  prod_i p(y_i) z / (1 - p(y_i) z)  ·  (b z)^R / (1 - b z)^(L + 1),      b = p(blank),

with R repeats next to each other, each of which needs a blank. That is the CTC likelihood of constant logits, so the
loss itself computes it, and its gradient, p - occupancy, gives the step of expectation maximisation that finds the best
p: the mean share of the frames that the targets' alignments give to every token (Dempster et al. 1977).

What silence costs in the literal sense, p(blank) = 1, is infinite; the yardstick for it is the best b with all other
tokens equally likely. Both are nats a token, over the targets that fit. Knows no model and no log.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from asr.ctc.collapse import BLANK
from asr.ctc.loss import ctc_loss, feasible

_ROUNDS, _ENOUGH = 60, 1e-5  # steps of expectation maximisation at most; the relative gain that ends them
_TOGETHER = 16  # utterances in one call of the loss, which bounds memory
_LEAST = 1e-8  # no token is ruled out before the first step


class Baselines(NamedTuple):
    """Nats per token of constant outputs: all tokens evenly likely, as before training; the best share of blanks with
    the others evenly likely; the best distribution there is."""

    even: float
    blanks: float
    unigram: float


def constant_baselines(targets: Sequence[Sequence[int]], frames: Sequence[int], num_tokens: int) -> Baselines | None:
    """The baselines of targets in so many frames each, for a model of `num_tokens` tokens, the blank included.

    None where no target has a label that fits. The unigram is fitted to the very
    targets, so where those are few it is a little low, which makes it strict.
    """
    rows = [(list(t), n) for t, n in zip(targets, frames, strict=True) if len(t)]
    names = {token: column for column, token in enumerate(sorted({k for t, _ in rows for k in t}), start=1)}
    chunks = [_chunk(rows[i : i + _TOGETHER], names) for i in range(0, len(rows), _TOGETHER)]
    tokens = sum(int(lengths[ok].sum()) for _, lengths, _, ok in chunks)
    if not tokens:
        return None
    others = max(1, num_tokens - 1)
    even, _ = _expect(chunks, _spread(1.0 / (others + 1), len(names), others))
    return Baselines(even / tokens, _blanks(chunks, len(names), others) / tokens, _unigram(chunks, len(names)) / tokens)


Chunk = tuple[Tensor, Tensor, Tensor, Tensor]  # targets (B, L), their lengths (B,), frames (B,), what fits (B,)


def _chunk(rows: Sequence[tuple[list[int], int]], names: dict[int, int]) -> Chunk:
    """Targets as columns of what occurs, so that a vocabulary of thousands costs no more than the words there are."""
    padded = torch.nn.utils.rnn.pad_sequence([torch.tensor([names[k] for k in t]) for t, _ in rows], batch_first=True)
    lengths, frames = torch.tensor([len(t) for t, _ in rows]), torch.tensor([n for _, n in rows])
    return padded, lengths, frames, feasible(padded, frames, lengths)


def _spread(blank: float, known: int, others: int) -> Tensor:
    """A share of blanks and the rest spread evenly over all other tokens, (V,); those nobody says share a column."""
    even = torch.full((known + 2,), (1.0 - blank) / others)
    even[BLANK], even[-1] = blank, max(_LEAST, (1.0 - blank) * (others - known) / others)
    return even


def _blanks(chunks: Sequence[Chunk], known: int, others: int) -> float:
    """Nats of the best share of blanks."""
    blank, best = 0.9, float("inf")
    for _ in range(_ROUNDS):
        nats, occupancy = _expect(chunks, _spread(blank, known, others))
        blank = min(1.0 - _LEAST, max(_LEAST, float(occupancy[BLANK])))
        if nats > best * (1.0 - _ENOUGH):
            return min(nats, best)
        best = nats
    return best


def _unigram(chunks: Sequence[Chunk], known: int) -> float:
    """Nats of the best distribution over the blank and the tokens that occur."""
    p, best = torch.full((known + 1,), 0.1 / known), float("inf")
    p[BLANK] = 0.9
    for _ in range(_ROUNDS):
        nats, occupancy = _expect(chunks, p)
        p = occupancy.clamp(min=_LEAST)
        if nats > best * (1.0 - _ENOUGH):
            return min(nats, best)
        best = nats
    return best


def _expect(chunks: Sequence[Chunk], p: Tensor) -> tuple[float, Tensor]:
    """Nats of all that fits under the constant distribution p (V,), and the mean occupancy of every token (V,)."""
    nats, occupancy, frames = 0.0, torch.zeros(len(p), dtype=torch.float64), 0
    p = p / p.sum()
    for targets, lengths, counts, ok in chunks:
        if not ok.any():
            continue
        targets, lengths, counts = targets[ok], lengths[ok], counts[ok]
        logits = p.log().expand(len(counts), int(counts.max()), -1).clone().requires_grad_()
        losses = ctc_loss(logits, targets, counts, lengths)
        losses.sum().backward()
        assert logits.grad is not None
        nats, frames = nats + float(losses.detach().double().sum()), frames + int(counts.sum())
        occupancy -= logits.grad.double().sum((0, 1))
    return nats, (p + occupancy / max(1, frames)).float()
