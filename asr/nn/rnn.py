"""Recurrent layers over padded batches.

Two dense one-directional passes instead of torch's packed bidirectional one: the backward pass reads each utterance
reversed within its own length, so padding never comes before speech. On CPU torch hands dense LSTMs to oneDNN and
packed ones to a loop: 2.3× a training step of the layer at B 32, T 100, D 256 (512 → 225 ms, 2 threads).
"""

from typing import Literal

import torch
import torch.nn as nn
from torch import Tensor

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
        self.forwards = _CELLS[cell](width, hidden, batch_first=True)
        self.backwards = _CELLS[cell](width, hidden, batch_first=True) if bidirectional else None
        self.out_width = hidden * (2 if bidirectional else 1)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """(B, T, D_in), (B,) → (B, T, out_width)."""
        out = self.forwards(x)[0]
        if self.backwards is not None:
            back = self.backwards(reverse_within(x, lengths))[0]
            out = torch.cat([out, reverse_within(back, lengths)], dim=-1)
        return zero_padding(out, lengths)
