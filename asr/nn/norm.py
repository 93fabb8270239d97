"""Sequence-wise batch normalisation (Laurent et al. 2016; Deep Speech 2, section 3.2) over valid frames only."""

import torch.nn as nn
import torch.nn.functional as F
from torch import Tensor

from asr.nn.masks import valid_mask


class MaskedBatchNorm(nn.Module):
    """Normalise each feature by its mean and variance over all valid frames of the batch; padding stays 0.

    Statistics over padding too would tie an utterance's output to how long its neighbours are.
    """

    def __init__(self, width: int, momentum: float = 0.1) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(width, momentum=momentum)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """(B, T, D), (B,) → (B, T, D)."""
        mask = valid_mask(lengths, x.shape[1])
        out = x.new_zeros(x.shape)
        frames = x[mask]  # (B, T, D) → (frames, D)
        if len(frames) == 1 and self.training:  # one frame has no variance: the running statistics serve
            n = self.norm
            frames = F.batch_norm(frames, n.running_mean, n.running_var, n.weight, n.bias, False, 0.0, n.eps)
        else:
            frames = self.norm(frames)
        out[mask] = frames.to(x.dtype)
        return out
