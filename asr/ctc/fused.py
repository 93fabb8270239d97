"""The kernels as a differentiable function of torch: log_softmax, CTC loss and its gradient in one pass, on CPU.

Knows tensors, layouts and buffers; what is allowed at its door is checked before (asr/ctc/loss.py).
"""

import sys
import threading
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from asr.ctc.kernels.batch import run
from asr.ctc.loss import Frames

# how numpy, which knows no bfloat16 and multiplies no float16, sees the formats: kernels/softmax.py reads the bits
_SEEN_AS = {
    torch.float32: torch.float32,
    torch.float64: torch.float64,
    torch.bfloat16: torch.uint16,
    torch.float16: torch.int16,
}


def fused_ctc_loss(
    logits: Tensor, targets: Tensor, input_lengths: Tensor, target_lengths: Tensor, blank: int = 0
) -> Tensor:
    """Negative log likelihood (B,) in nats: float64 for float64 logits, else float32. Differentiable by the logits.

    logits (B, T, V) float32, float64, bfloat16 or float16 on CPU; a transposed (T, B, V) is read where it lies. targets
    (B, L), lengths (B,). What has no alignment: inf, gradient 0. Where a logit is NaN or +inf: NaN. Gradients of 16
    bits are rounded before a slope of the loss multiplies them; give float32 logits where that is too coarse.
    """
    return fused_ctc_loss_and_frames(logits, targets, input_lengths, target_lengths, blank)[0]


def fused_ctc_loss_and_frames(
    logits: Tensor, targets: Tensor, input_lengths: Tensor, target_lengths: Tensor, blank: int = 0
) -> tuple[Tensor, Frames]:
    """The same, with what was learned of every frame; that costs nothing."""
    wanted = torch.is_grad_enabled() and logits.requires_grad
    loss, probability, occupancy = _Fused.apply(logits, targets, input_lengths, target_lengths, blank, wanted)
    return loss, Frames(probability, occupancy)


class _Fused(torch.autograd.Function):
    """The gradient is made together with the loss and waits for backward()."""

    @staticmethod
    def forward(
        ctx: Any, logits: Tensor, targets: Tensor, input_lengths: Tensor, target_lengths: Tensor, blank: int,
        wanted: bool,
    ) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
        rows, at, stride, time_first = _rows(logits)
        gradient = _buffers.take(rows) if wanted else rows.new_empty((0, rows.shape[1]))
        found = run(
            _bits(rows), _bits(gradient), at, stride, _integers(targets), _integers(input_lengths),
            _integers(target_lengths), blank, torch.get_num_threads(),
        )  # fmt: skip
        loss, probability, occupancy = found
        if wanted:
            ctx.save_for_backward(_as_batch(gradient, logits.shape, time_first))
            ctx.impossible = (loss == np.inf).tolist()
        frames = torch.from_numpy(probability), torch.from_numpy(occupancy)
        ctx.mark_non_differentiable(*frames)
        return torch.from_numpy(loss if logits.dtype == torch.float64 else loss.astype(np.float32)), *frames

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, by_loss: Tensor, *_: Any) -> tuple[Tensor | None, ...]:
        (gradient,) = ctx.saved_tensors
        if torch._C._autograd._get_current_graph_task_keep_graph():  # somebody may come for it again
            gradient = gradient.clone()
        for row, slope in enumerate(by_loss.tolist()):
            # of a sum of losses every slope is 1; and 0 stays 0 under an infinite one
            if slope != 1 and not ctx.impossible[row]:
                gradient[row].mul_(slope)
        return gradient, None, None, None, None, None


def _rows(logits: Tensor) -> tuple[Tensor, np.ndarray, int, bool]:
    """Logits (B, T, V) as (rows, V); utterance i's frame t is row at[i] + t · stride; whether time comes first."""
    logits = logits.detach()
    batch, frames, vocabulary = logits.shape
    turned = logits.transpose(0, 1)
    if not logits.is_contiguous() and turned.is_contiguous():
        return turned.view(frames * batch, vocabulary), np.arange(batch), batch, True
    rows = logits.contiguous().view(batch * frames, vocabulary)
    return rows, np.arange(batch) * frames, 1, False


def _as_batch(rows: Tensor, shape: torch.Size, time_first: bool) -> Tensor:
    batch, frames, vocabulary = shape
    return rows.view(frames, batch, vocabulary).transpose(0, 1) if time_first else rows.view(shape)


def _bits(x: Tensor) -> np.ndarray:
    array: np.ndarray = x.view(_SEEN_AS[x.dtype]).numpy()
    return array


def _integers(x: Tensor) -> np.ndarray:
    array: np.ndarray = x.detach().to(torch.int64).contiguous().numpy()
    return array


class _Buffers(threading.local):
    """The memory of the last gradient, for the next one, once nobody holds it any more.

    A fresh one of 40 MB takes longer to be handed over by the kernel, page by page, than to be computed.
    """

    bytes: np.ndarray | None = None

    def take(self, like: Tensor) -> Tensor:
        """An uninitialised tensor of the same shape and type."""
        size = like.numel() * like.element_size()
        # every tensor made of the array refers to it: no more references than this one and the call's, and it is free
        if self.bytes is None or len(self.bytes) < size or sys.getrefcount(self.bytes) > 2:
            self.bytes = np.empty(size, np.uint8)
        return torch.from_numpy(self.bytes[:size]).view(like.dtype).view(like.shape)


_buffers = _Buffers()
