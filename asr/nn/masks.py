"""Lengths as masks. Every block zeroes what lies beyond its lengths, so that padding can hold anything, NaN too."""

import torch
from torch import Tensor


def valid_mask(lengths: Tensor, longest: int) -> Tensor:
    """(B,) lengths → (B, T) bool, true where t < length."""
    return torch.arange(longest, device=lengths.device) < lengths[:, None]


def zero_padding(x: Tensor, lengths: Tensor) -> Tensor:
    """(B, T, …) with every frame t >= length set to exactly 0, whatever stood there."""
    mask = valid_mask(lengths, x.shape[1])
    return x.masked_fill(~mask.view(*mask.shape, *(1,) * (x.dim() - 2)), 0.0)
