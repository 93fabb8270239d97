"""Deep Speech 2 (Amodei et al. 2016): 2-D convolutions over time and frequency, recurrent layers with sequence-wise
batch norm, one linear layer. Bidirectional, or one-directional with a lookahead convolution.
"""

from typing import Literal

import torch.nn as nn
from pydantic import Field, field_validator
from torch import Tensor

from asr.nn.conv import LookaheadConv, conv_lengths
from asr.nn.masks import zero_padding
from asr.nn.norm import MaskedBatchNorm
from asr.nn.rnn import Cell, Recurrent
from asr.options import Options


class DeepSpeech2Options(Options):
    """The shape of the network. Frames are those of `features`; `subsampling` of them become one output frame."""

    kind: Literal["deepspeech2"] = "deepspeech2"
    conv_layers: int = Field(2, ge=1, le=3)
    conv_channels: int = Field(32, ge=1)
    conv_time_kernel: int = Field(11, ge=1)  # frames, odd
    conv_frequency_kernel: int = Field(11, ge=1)  # feature bins, odd
    subsampling: Literal[1, 2, 3, 4] = 3  # stride of the first convolution over time
    cell: Cell = "lstm"
    layers: int = Field(3, ge=1)
    hidden_size: int = Field(256, ge=1)  # a direction
    bidirectional: bool = True
    lookahead: int = Field(20, ge=0)  # output frames; only where not bidirectional
    dropout: float = Field(0.1, ge=0, lt=1)

    @field_validator("conv_time_kernel", "conv_frequency_kernel")
    @classmethod
    def _odd(cls, kernel: int) -> int:
        if kernel % 2 == 0:
            raise ValueError(f"is {kernel}; expected an odd number, so that a kernel has a middle; take {kernel + 1}")
        return kernel


class DeepSpeech2(nn.Module):
    """Features (B, T, F) to logits (B, T', V)."""

    def __init__(self, options: DeepSpeech2Options, num_features: int, num_tokens: int) -> None:
        super().__init__()
        self.subsampling = options.subsampling
        self.front = _ConvFrontEnd(options, num_features)
        width = self.front.out_width
        rnns = []
        for _ in range(options.layers):
            rnns.append(_RecurrentBlock(options, width))
            width = rnns[-1].out_width
        self.rnns = nn.ModuleList(rnns)
        lookahead = 0 if options.bidirectional else options.lookahead
        self.lookahead = LookaheadConv(width, lookahead) if lookahead else None
        self.norm = MaskedBatchNorm(width)
        self.dropout = nn.Dropout(options.dropout)
        self.output = nn.Linear(width, num_tokens)

    def output_lengths(self, lengths: Tensor) -> Tensor:
        """(B,) feature frames → (B,) logit frames."""
        return self.front.output_lengths(lengths)

    def forward(self, features: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """(B, T, F), (B,) → logits (B, T', V), (B,)."""
        x, lengths = self.front(features, lengths)
        for rnn in self.rnns:
            x = rnn(x, lengths)
        if self.lookahead is not None:
            x = self.lookahead(x, lengths)
        return self.output(self.dropout(self.norm(x, lengths))), lengths


class _ConvFrontEnd(nn.Module):
    """2-D convolutions with batch norm and clipped ReLU; time stride in the first layer, frequency stride 2 in each."""

    def __init__(self, options: DeepSpeech2Options, num_features: int) -> None:
        super().__init__()
        time, frequency = options.conv_time_kernel, options.conv_frequency_kernel
        self.kernel, self.strides = time, [options.subsampling] + [1] * (options.conv_layers - 1)
        self.convs, self.norms = nn.ModuleList(), nn.ModuleList()
        channels, bins = 1, num_features
        for stride in self.strides:
            self.convs.append(
                nn.Conv2d(
                    channels,
                    options.conv_channels,
                    (time, frequency),
                    (stride, 2),
                    (time // 2, frequency // 2),
                    bias=False,
                )
            )
            channels, bins = options.conv_channels, (bins - 1) // 2 + 1
            self.norms.append(MaskedBatchNorm(channels * bins))
        self.out_width = channels * bins

    def output_lengths(self, lengths: Tensor) -> Tensor:
        for stride in self.strides:
            lengths = conv_lengths(lengths, self.kernel, stride)
        return lengths

    def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        x = zero_padding(x, lengths)[:, None]  # (B, T, F) → (B, C=1, T, F)
        for conv, norm, stride in zip(self.convs, self.norms, self.strides, strict=True):
            x = conv(x)
            lengths = conv_lengths(lengths, self.kernel, stride)
            batch, channels, frames, bins = x.shape
            x = x.transpose(1, 2).reshape(batch, frames, channels * bins)  # (B, C, T, F) → (B, T, C·F)
            x = norm(x, lengths).clamp(0.0, 20.0)
            if conv is not self.convs[-1]:
                x = x.view(batch, frames, channels, bins).transpose(1, 2)  # (B, T, C·F) → (B, C, T, F)
        return x, lengths


class _RecurrentBlock(nn.Module):
    """Batch norm, dropout, one recurrent layer."""

    def __init__(self, options: DeepSpeech2Options, width: int) -> None:
        super().__init__()
        self.norm = MaskedBatchNorm(width)
        self.dropout = nn.Dropout(options.dropout)
        self.rnn = Recurrent(options.cell, width, options.hidden_size, options.bidirectional)
        self.out_width = self.rnn.out_width

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        return self.rnn(self.dropout(self.norm(x, lengths)), lengths)
