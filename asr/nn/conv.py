"""Convolutions over time that obey lengths. The input must be 0 beyond its lengths (`zero_padding`).

With `kernel // 2` zeros on both sides an utterance meets the same zeros alone and in a padded batch:

    alone     0 0 x x x x 0 0
    in batch  0 0 x x x x 0 0 0 0 0      the first outputs are equal; the rest is cut by the output lengths
"""

import torch.nn as nn
import torch.nn.functional as F
from torch import Tensor

from asr.nn.masks import zero_padding


def conv_lengths(lengths: Tensor, kernel: int, stride: int, dilation: int = 1) -> Tensor:
    """Frames that leave a convolution padded by `dilation · (kernel − 1) // 2` on both sides. Exact integers."""
    padding = dilation * (kernel - 1) // 2
    return (lengths + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1


class MaskedConv1d(nn.Module):
    """Convolution over time, (B, T, D) → (B, T', D'); odd kernels; zero beyond the lengths before and after."""

    def __init__(self, width: int, out: int, kernel: int, stride: int = 1, dilation: int = 1, groups: int = 1) -> None:
        super().__init__()
        self.kernel, self.stride, self.dilation = kernel, stride, dilation
        self.conv = nn.Conv1d(width, out, kernel, stride, dilation * (kernel - 1) // 2, dilation, groups, bias=False)

    def output_lengths(self, lengths: Tensor) -> Tensor:
        """(B,) frames in → (B,) frames out."""
        return conv_lengths(lengths, self.kernel, self.stride, self.dilation)

    def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """(B, T, D), (B,) → (B, T', D'), (B,)."""
        x = self.conv(x.transpose(1, 2)).transpose(1, 2)  # (B, T, D) → (B, D, T) → (B, T', D')
        lengths = self.output_lengths(lengths)
        return zero_padding(x, lengths), lengths


class LookaheadConv(nn.Module):
    """Row convolution: each channel sees its own next `context` frames (Deep Speech 2, 3.3; Wang et al. 2016)."""

    def __init__(self, width: int, context: int) -> None:
        super().__init__()
        self.context = context
        self.conv = nn.Conv1d(width, width, context + 1, groups=width, bias=False)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """(B, T, D), (B,) → (B, T, D)."""
        future = F.pad(x.transpose(1, 2), (0, self.context))  # (B, T, D) → (B, D, T + context)
        return zero_padding(self.conv(future).transpose(1, 2), lengths)
