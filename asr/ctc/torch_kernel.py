"""The CTC loss through torch's own kernel, for every device that has one; beside the compiled kernel it is the oracle.

Knows what torch gets wrong and mends it: the gradient of an utterance without alignment, of a masked token (a logit of
-inf) and of padding that holds NaN is NaN there, and 0 here. Its float32 gradients stay torch's: off by up to 2e-3.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from asr.ctc.loss import feasible, log_probs


def torch_ctc_loss(
    logits: Tensor, targets: Tensor, input_lengths: Tensor, target_lengths: Tensor, blank: int = 0
) -> Tensor:
    """Negative log likelihood (B,) in nats: float64 for float64 logits, else float32. Differentiable by the logits.

    logits (B, T, V) on any device; targets (B, L), lengths (B,), checked before and best on the host. What has no
    alignment: inf, gradient 0. Where a logit of a valid frame is NaN or +inf: NaN. Not differentiable twice. On CUDA
    torch sums the gradient in no fixed order, and refuses under `torch.use_deterministic_algorithms`.
    """
    possible = feasible(targets, input_lengths, target_lengths).to(logits.device)
    wanted = torch.is_grad_enabled() and logits.requires_grad
    loss: Tensor = _Mended.apply(logits, targets, input_lengths, target_lengths, blank, possible, wanted)
    return loss


class _Mended(torch.autograd.Function):
    """The gradient is made together with the loss and waits for backward().

    What torch calls the gradient by log probabilities, softmax - occupancy, is the gradient by logits already.
    """

    @staticmethod
    def forward(
        ctx: Any, logits: Tensor, targets: Tensor, input_lengths: Tensor, target_lengths: Tensor, blank: int,
        possible: Tensor, wanted: bool,
    ) -> Tensor:  # fmt: skip
        # (B, T, V) → (T, B, V)
        lp = log_probs(logits.detach()).transpose(0, 1)
        with torch.set_grad_enabled(wanted):
            loss = _from_torch(lp.requires_grad_(wanted), targets, input_lengths, target_lengths, blank)
            total = loss.sum()
        result = torch.where(possible, loss.detach(), torch.inf)
        if wanted:
            (gradient,) = torch.autograd.grad(total, lp)
            inside = torch.arange(len(lp), device=lp.device)[:, None] < input_lengths.to(lp.device)
            alive = (inside & ~torch.isposinf(result))[:, :, None] & ~torch.isneginf(lp.detach())
            ctx.save_for_backward(torch.where(alive, gradient, 0).transpose(0, 1).to(logits.dtype), result)
        return result

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, by_loss: Tensor) -> tuple[Tensor | None, ...]:
        gradient, loss = ctx.saved_tensors
        # a function of an infinite loss may have an infinite slope, and inf · 0 is NaN
        scale = torch.where(torch.isposinf(loss), 0, by_loss).to(gradient.dtype)
        return gradient * scale[:, None, None], None, None, None, None, None, None


def _from_torch(lp: Tensor, targets: Tensor, input_lengths: Tensor, target_lengths: Tensor, blank: int) -> Tensor:
    """torch's loss (B,) of log probabilities (T, B, V), for empty batches, inputs and targets too."""
    if not lp.numel():
        return lp.new_zeros(lp.shape[1]) + lp.sum()
    if not targets.shape[1]:
        targets = targets.new_zeros(len(targets), 1)
    # int64 keeps CUDA on torch's own kernel: cuDNN's, chosen for int32 with blank 0, holds at most 255 labels
    return F.ctc_loss(
        lp, targets.to(lp.device, torch.int64), input_lengths.long(), target_lengths.long(), blank, reduction="none"
    )
