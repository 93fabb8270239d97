"""Uncentred frames: frame t covers samples [t · hop_length, t · hop_length + win_length), nothing else.

A frame is valid only when every sample of it is: what follows an utterance in a batch cannot reach it. The
one exception is an utterance shorter than a window, which is padded with zeros to make one frame.
"""

from typing import TypeVar

import torch
from torch import Tensor
from torch.nn import functional as F

Lengths = TypeVar("Lengths", int, Tensor)


def num_frames(lengths: Lengths, win_length: int, hop_length: int) -> Lengths:
    """Frames in `lengths` samples, exact integers: 1 + ⌊(max(S, win) − win) / hop⌋, never fewer than one."""
    if isinstance(lengths, Tensor):
        return (lengths - win_length).clamp(min=0) // hop_length + 1
    return max(lengths - win_length, 0) // hop_length + 1


def frame_mask(lengths: Tensor, frames: int) -> Tensor:
    """(B,) lengths → (B, T) bool, true at the first `lengths[b]` of `frames` positions."""
    return torch.arange(frames, device=lengths.device) < lengths[:, None]


def frame(waveforms: Tensor, win_length: int, hop_length: int) -> Tensor:
    """(B, S) → (B, T, win_length) overlapping frames; a view unless S is shorter than a window."""
    missing = win_length - waveforms.shape[1]
    if missing > 0:
        waveforms = F.pad(waveforms, (0, missing))
    return waveforms.unfold(1, win_length, hop_length)
