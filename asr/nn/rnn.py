"""Recurrent layers over padded batches.

Two dense one-directional passes instead of torch's packed bidirectional one: the backward pass reads each utterance
reversed within its own length, so padding never comes before speech. On CPU torch hands dense LSTMs to oneDNN and
packed ones to a loop: 2.3× a training step of the layer at B 32, T 100, D 256 (512 → 225 ms, 2 threads).
"""

from typing import Literal

import torch
import torch.nn as nn
from torch import Tensor

from asr.nn.concurrent import run_together
from asr.nn.masks import zero_padding

Cell = Literal["lstm", "gru"]
_CELLS = {"lstm": nn.LSTM, "gru": nn.GRU}


def reverse_within(x: Tensor, lengths: Tensor) -> Tensor:
    """(B, T, D) with the first `length` frames of each row in reverse order; padding stays where it is."""
    t = torch.arange(x.shape[1], device=x.device)
    back = lengths[:, None] - 1 - t
    index = torch.where(back >= 0, back, t)
    return x.gather(1, index[..., None].expand_as(x))


class Recurrent(nn.Module):
    """One recurrent layer, (B, T, D_in) → (B, T, out_width), 0 beyond the lengths; directions are concatenated."""

    def __init__(self, cell: Cell, width: int, hidden: int, bidirectional: bool) -> None:
        super().__init__()
        self.forwards = _Direction(cell, width, hidden)
        self.backwards = _Direction(cell, width, hidden) if bidirectional else None
        self.out_width = hidden * (2 if bidirectional else 1)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """(B, T, D_in), (B,) → (B, T, out_width)."""
        if self.backwards is None:
            return zero_padding(self.forwards(x), lengths)
        out, back = run_together([self.forwards, self.backwards], [x, reverse_within(x, lengths)])
        return zero_padding(torch.cat([out, reverse_within(back, lengths)], dim=-1), lengths)


class _Direction(nn.Module):
    """A one-directional layer that returns its outputs alone."""

    def __init__(self, cell: Cell, width: int, hidden: int) -> None:
        super().__init__()
        self.rnn = _CELLS[cell](width, hidden, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.rnn(x)[0]
        return out
