"""The CTC loss (Graves et al. 2006): its three doors, who has an alignment, and the one log_softmax of the program.

Knows which kernel serves which device; the recursion is theirs, what a door refuses is in asr/ctc/checks.py.
"""

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from asr.ctc.checks import Alignable, check_log_probs, check_probs, checked, padded, refuse_probabilities
from asr.ctc.collapse import BLANK


@dataclass(frozen=True, slots=True)
class Frames:
    """What the compiled loss learns of every frame on its way, (B, T) float32; 0 where nothing aligns.

    How probable the model holds a blank there, and which share of the targets' alignments is in a blank there.
    """

    blank_probability: Tensor
    blank_occupancy: Tensor


_COMPILED_ON = frozenset({"cpu"})  # the types of devices that the compiled kernel serves


def log_probs(logits: Tensor) -> Tensor:
    """Log probabilities (nats) of logits (…, V), in float32 for every narrower type."""
    return F.log_softmax(logits, dim=-1, dtype=torch.promote_types(logits.dtype, torch.float32))


def required_frames(targets: Tensor, target_lengths: Tensor) -> Tensor:
    """The fewest frames an alignment needs: L + adjacent repeats. targets (B, L) or concatenated, (B,) → (B,)."""
    rows = padded(targets, target_lengths)
    if rows.shape[1] < 2:
        return target_lengths.clone()
    inside = torch.arange(1, rows.shape[1], device=rows.device) < target_lengths[:, None]
    return target_lengths + ((rows[:, 1:] == rows[:, :-1]) & inside).sum(dim=1)


def feasible(targets: Tensor, input_lengths: Tensor, target_lengths: Tensor) -> Tensor:
    """(B,) bool: whether any alignment exists, T >= L + adjacent repeats. Where it does not, the loss is inf."""
    return input_lengths >= required_frames(targets, target_lengths)


def ctc_loss(
    logits: Tensor,
    targets: Tensor,
    input_lengths: Tensor,
    target_lengths: Tensor,
    blank: int = BLANK,
    zero_infinity: bool = False,
) -> Tensor:
    """Negative log likelihood of each utterance (B,), in nats; normalises the logits (B, T, V) inside, in float32.

    targets (B, L) or concatenated (sum of lengths,), lengths (B,), integers. An infeasible utterance, or one whose
    every path is masked by logits of -inf, has loss inf, or 0 with `zero_infinity`, and gradient exactly 0: who that
    is, torch.isposinf(loss) says without `zero_infinity`, and `feasible` of the lengths alone. NaN or +inf in a frame
    of one that fits make its loss NaN. float64 logits have a float64 loss.
    Raises LossError for lengths or labels out of range, and for rows that are probabilities already: behind such a
    double softmax no path costs less than log(1 + (V - 1)/e) nats a frame, so a model never learns.
    """
    ready = checked("ctc_loss", logits, targets, input_lengths, target_lengths, blank)
    refuse_probabilities("ctc_loss", logits, ready.input_lengths)
    return _loss(logits, ready, blank, zero_infinity)


def ctc_loss_and_frames(
    logits: Tensor, targets: Tensor, input_lengths: Tensor, target_lengths: Tensor, blank: int = BLANK
) -> tuple[Tensor, Frames | None]:
    """`ctc_loss`, and what is known of every frame; None where the device's own kernel keeps that to itself."""
    ready = checked("ctc_loss", logits, targets, input_lengths, target_lengths, blank)
    refuse_probabilities("ctc_loss", logits, ready.input_lengths)
    if backend(logits) == "torch":
        return _kernel(logits, ready, blank), None
    from asr.ctc.fused import fused_ctc_loss_and_frames

    return fused_ctc_loss_and_frames(logits, *ready, blank)


def ctc_loss_from_log_probs(
    log_probs: Tensor,
    targets: Tensor,
    input_lengths: Tensor,
    target_lengths: Tensor,
    blank: int = BLANK,
    zero_infinity: bool = False,
) -> Tensor:
    """The same loss for log probabilities (B, T, V). Raises LossError naming the first row that is not normalised.

    They are normalised once more inside, which changes nothing: log_softmax of log_softmax is log_softmax.
    """
    door = "ctc_loss_from_log_probs"
    ready = checked(door, log_probs, targets, input_lengths, target_lengths, blank)
    check_log_probs(door, log_probs, ready.input_lengths)
    return _loss(log_probs, ready, blank, zero_infinity)


def ctc_loss_from_probs(
    probs: Tensor,
    targets: Tensor,
    input_lengths: Tensor,
    target_lengths: Tensor,
    blank: int = BLANK,
    zero_infinity: bool = False,
) -> Tensor:
    """The same loss for probabilities (B, T, V): rows at least 0 that sum to 1. Raises LossError naming any other row.

    Rows are normalised once more inside. A probability of exactly 0 bars its paths and has gradient 0.
    """
    door = "ctc_loss_from_probs"
    ready = checked(door, probs, targets, input_lengths, target_lengths, blank)
    check_probs(door, probs, ready.input_lengths)
    return _loss(_log(probs, ready.input_lengths), ready, blank, zero_infinity)


def backend(logits: Tensor) -> Literal["numba", "torch"]:
    """The kernel that computes the loss of these logits: "numba", compiled here, or "torch", its device's own."""
    return "numba" if logits.device.type in _COMPILED_ON else "torch"


def _loss(logits: Tensor, ready: Alignable, blank: int, zero_infinity: bool) -> Tensor:
    loss = _kernel(logits, ready, blank)
    return loss.masked_fill(torch.isposinf(loss), 0.0) if zero_infinity else loss


def _kernel(logits: Tensor, ready: Alignable, blank: int) -> Tensor:
    # each is imported where it is used: numba's import takes a second, and transcribing needs no loss
    if backend(logits) == "numba":
        from asr.ctc.fused import fused_ctc_loss

        return fused_ctc_loss(logits, *ready, blank)
    from asr.ctc.torch_kernel import torch_ctc_loss

    return torch_ctc_loss(logits, *ready, blank)


def _log(probs: Tensor, input_lengths: Tensor) -> Tensor:
    wide = probs.to(torch.promote_types(probs.dtype, torch.float32))
    beyond = torch.arange(probs.shape[1], device=probs.device) >= input_lengths.to(probs.device)[:, None]
    wide = wide.masked_fill(beyond[:, :, None], 1.0)
    barred = wide <= 0  # not: seen = wide > 0, for NaN has to stay what it is
    # one where() is not enough: the branch not taken would still hand back 0 · inf
    return torch.where(barred, -torch.inf, torch.where(barred, 1.0, wide).log())
