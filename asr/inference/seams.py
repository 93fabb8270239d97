"""Where emissions may be cut so that no word is lost, doubled or split. Knows frames; not where they come from.

    window k      a b _ _ c _ _ _ _ ␣ _ d e            both windows hear the same, a frame earlier or later;
    window k + 1      _ c _ _ _ _ ␣ _ _ d e f _ g      the seam lies in the longest silence of both: from there on
    seam                        ^                      window k + 1 counts, and a token has its frame on one side only
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from asr.interfaces import Tokenizer


@dataclass(frozen=True, slots=True)
class Tokens:
    """What tokens mean for a cut, each (V,) bool: `quiet`, blank or white space; `space`; `opens`, begins a word."""

    quiet: Tensor
    space: Tensor
    opens: Tensor

    @classmethod
    def of(cls, tokenizer: Tokenizer) -> "Tokens":
        """Of a tokenizer whose blank is 0."""
        texts = ["", *(tokenizer.decode([token]) for token in range(1, len(tokenizer.tokens)))]
        space = torch.tensor([bool(text) and not text.strip() for text in texts])
        opens = torch.tensor([text[:1].isspace() for text in texts])
        quiet = space.clone()
        quiet[0] = True
        return cls(quiet, space, opens)


def seam(left: Tensor, right: Tensor, low: int, high: int, tokens: Tokens) -> int:
    """The frame in [low, high] from which `right` takes over; both are log probabilities (T, V) of the same frames.

    It lies in the longest stretch that is quiet in both, as near its middle as leaves the space between two words on
    one of its sides, if not on both. Where nothing is quiet, where the two differ least.
    """
    best = left.argmax(1), right.argmax(1)
    quiet = tokens.quiet[best[0]] & tokens.quiet[best[1]]
    runs = [(start, end) for start, end in _runs(quiet) if start <= high and end >= low]
    if not runs:
        difference = (left[low : high + 1].exp() - right[low : high + 1].exp()).abs().sum(1)
        return low + int(difference.argmin())
    start, end = max(runs, key=lambda run: run[1] - run[0])
    spaces = [[t for t in range(start, end) if tokens.space[b[t]]] for b in best]
    places = range(max(start, low), min(end, high) + 1)
    kept = [t for t in places if any(s < t for s in spaces[0]) or any(s >= t for s in spaces[1])]
    return min(kept or places, key=lambda t: abs(2 * t - start - end))


def cut(log_probs: Tensor, tokens: Tokens) -> int:
    """How many of the frames (T, V) to decode apart from what follows: up to a silence between two words.

    The longest of the second half; else of all; else, where no word ends, the longest silence; else all T.
    """
    best = log_probs.argmax(1)
    runs = [(start, end) for start, end in _runs(tokens.quiet[best]) if start + end >= 2]
    between = [(s, e) for s, e in runs if tokens.space[best[s:e]].any() or (e < len(best) and tokens.opens[best[e]])]
    for choice in (_late(between, len(best)), between, _late(runs, len(best)), runs):
        if choice:
            start, end = max(choice, key=lambda run: run[1] - run[0])
            return (start + end) // 2
    return len(best)


def _late(runs: list[tuple[int, int]], frames: int) -> list[tuple[int, int]]:
    return [(start, end) for start, end in runs if start + end >= frames]


def _runs(true: Tensor) -> list[tuple[int, int]]:
    """(T,) bool → where it is true, as [start, end)."""
    edges = torch.diff(torch.cat([torch.zeros(1), true.cpu().float(), torch.zeros(1)]))
    starts, ends = (edges > 0).nonzero()[:, 0].tolist(), (edges < 0).nonzero()[:, 0].tolist()
    return list(zip(starts, ends, strict=True))
