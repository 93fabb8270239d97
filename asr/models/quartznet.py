"""QuartzNet (Kriman et al. 2020): residual blocks of time-channel separable 1-D convolutions. Small, and twice as
fast to train as recurrent layers of equal accuracy; needs a little more data to be as good.
"""

from typing import Literal

import torch.nn as nn
import torch.nn.functional as F
from pydantic import Field, field_validator
from torch import Tensor

from asr.nn.conv import MaskedConv1d
from asr.nn.masks import zero_padding
from asr.nn.norm import MaskedBatchNorm
from asr.options import Options


class QuartzNetOptions(Options):
    """The shape of the network; kernels grow evenly from `first_kernel` to `last_kernel` over the blocks."""

    kind: Literal["quartznet"] = "quartznet"
    blocks: int = Field(5, ge=1)
    repeats: int = Field(2, ge=1)  # separable convolutions in a block
    width: int = Field(256, ge=1)
    first_kernel: int = Field(15, ge=1)  # output frames
    last_kernel: int = Field(31, ge=1)
    subsampling: Literal[1, 2, 3, 4] = 3
    dropout: float = Field(0.1, ge=0, lt=1)

    @field_validator("first_kernel", "last_kernel")
    @classmethod
    def _odd(cls, kernel: int) -> int:
        if kernel % 2 == 0:
            raise ValueError(f"is {kernel}; expected an odd number, so that a kernel has a middle; take {kernel + 1}")
        return kernel


class QuartzNet(nn.Module):
    """Features (B, T, F) to logits (B, T', V)."""

    def __init__(self, options: QuartzNetOptions, num_features: int, num_tokens: int) -> None:
        super().__init__()
        self.subsampling = options.subsampling
        self.front = _Separable(num_features, options.width, 11, options.subsampling)
        self.blocks = nn.ModuleList(_Block(options, kernel) for kernel in _kernels(options))
        self.top = _Separable(options.width, 2 * options.width, options.last_kernel)
        self.dropout = nn.Dropout(options.dropout)
        self.output = nn.Linear(2 * options.width, num_tokens)

    def output_lengths(self, lengths: Tensor) -> Tensor:
        """(B,) feature frames → (B,) logit frames."""
        return self.front.depthwise.output_lengths(lengths)

    def forward(self, features: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """(B, T, F), (B,) → logits (B, T', V), (B,)."""
        x, lengths = self.front(zero_padding(features, lengths), lengths)
        x = F.relu(x)
        for block in self.blocks:
            x = block(x, lengths)
        x, _ = self.top(x, lengths)
        return self.output(self.dropout(F.relu(x))), lengths


def _kernels(options: QuartzNetOptions) -> list[int]:
    steps = max(1, options.blocks - 1)
    growth = options.last_kernel - options.first_kernel
    return [(options.first_kernel + growth * i // steps) // 2 * 2 + 1 for i in range(options.blocks)]


class _Separable(nn.Module):
    """Depthwise convolution over time, pointwise over channels, batch norm."""

    def __init__(self, width: int, out: int, kernel: int, stride: int = 1) -> None:
        super().__init__()
        self.depthwise = MaskedConv1d(width, width, kernel, stride, groups=width)
        self.pointwise = nn.Linear(width, out, bias=False)
        self.norm = MaskedBatchNorm(out)

    def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        x, lengths = self.depthwise(x, lengths)
        return self.norm(self.pointwise(x), lengths), lengths


class _Block(nn.Module):
    """`repeats` separable convolutions with a residual path around them."""

    def __init__(self, options: QuartzNetOptions, kernel: int) -> None:
        super().__init__()
        width = options.width
        self.layers = nn.ModuleList(_Separable(width, width, kernel) for _ in range(options.repeats))
        self.residual = nn.Linear(width, width, bias=False)
        self.norm = MaskedBatchNorm(width)
        self.dropout = nn.Dropout(options.dropout)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        residual = self.norm(self.residual(x), lengths)
        for i, layer in enumerate(self.layers):
            x = layer(self.dropout(F.relu(x)) if i else x, lengths)[0]
        return self.dropout(F.relu(x + residual))
