"""The CTC loss (Graves et al. 2006) from logits, and the one log_softmax of the program.

Knows lengths, feasibility and the mistakes people make at its door; the forward-backward recursion itself is torch's.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from asr.ctc.collapse import BLANK
from asr.errors import LossError

# A masked token (−inf) gives torch's kernel NaN gradients. A finite floor far below any real path gives the
# same loss and an occupancy of exp(−1e7) = 0; a loss beyond half of it means that every path is masked.
_FLOOR = -1e7


def log_probs(logits: Tensor) -> Tensor:
    """Log probabilities (nats) of logits (…, V), in float32 whatever the logits' type."""
    return F.log_softmax(logits.float(), dim=-1)


def required_frames(targets: Tensor, target_lengths: Tensor) -> Tensor:
    """The fewest frames an alignment needs: L + adjacent repeats. targets (B, L), (B,) → (B,)."""
    if targets.shape[1] < 2:
        return target_lengths.clone()
    inside = torch.arange(1, targets.shape[1], device=targets.device) < target_lengths[:, None]
    return target_lengths + ((targets[:, 1:] == targets[:, :-1]) & inside).sum(dim=1)


def feasible(targets: Tensor, input_lengths: Tensor, target_lengths: Tensor) -> Tensor:
    """(B,) bool: whether any alignment exists, T >= L + adjacent repeats."""
    return input_lengths >= required_frames(targets, target_lengths)


def ctc_loss(
    logits: Tensor, targets: Tensor, input_lengths: Tensor, target_lengths: Tensor, blank: int = BLANK
) -> Tensor:
    """Negative log likelihood of each utterance (B,), in nats; normalises the logits (B, T, V) inside, in float32.

    targets (B, L) int64, lengths (B,) int64. An infeasible utterance has loss inf and gradient exactly 0.
    Raises LossError for lengths or labels out of range, and for rows that are probabilities already: their loss cannot
    fall below log(1 + (V − 1)/e) nats a frame, so a model behind such a double softmax never learns.
    """
    _check_lengths(logits, targets, input_lengths, target_lengths, blank)
    _refuse_probabilities(logits, input_lengths)
    return _kernel(log_probs(logits), targets, input_lengths, target_lengths, blank)


def ctc_loss_from_probs(
    probs: Tensor, targets: Tensor, input_lengths: Tensor, target_lengths: Tensor, blank: int = BLANK
) -> Tensor:
    """The same loss for probabilities (B, T, V): rows in [0, 1] that sum to 1. Raises LossError for anything else."""
    _check_lengths(probs, targets, input_lengths, target_lengths, blank)
    valid = torch.arange(probs.shape[1], device=probs.device) < input_lengths[:, None]
    rows = probs[valid]
    if rows.numel() and not _are_distributions(rows):
        raise LossError(
            "ctc_loss_from_probs: rows are not probabilities; expected values in [0, 1] that sum to 1; "
            "give logits to ctc_loss"
        )
    return _kernel(probs.float().log(), targets, input_lengths, target_lengths, blank)


def _kernel(lp: Tensor, targets: Tensor, input_lengths: Tensor, target_lengths: Tensor, blank: int) -> Tensor:
    # (B, T, V) → (T, B, V)
    loss = F.ctc_loss(
        lp.clamp(min=_FLOOR).transpose(0, 1), targets, input_lengths, target_lengths, blank, "none", zero_infinity=True
    )
    if bool((loss < -1e-3).any()):
        raise LossError(
            f"ctc_loss: a loss of {float(loss.min()):g} nats is negative; expected a likelihood of at most 1; "
            "the input is not normalised, give logits to ctc_loss or probabilities to ctc_loss_from_probs"
        )
    possible = feasible(targets, input_lengths, target_lengths) & ~(loss >= -_FLOOR / 2)  # not a number stays so
    # where() hands the infeasible rows a gradient of exactly 0
    return torch.where(possible, loss, math.inf)


def _check_lengths(x: Tensor, targets: Tensor, input_lengths: Tensor, target_lengths: Tensor, blank: int) -> None:
    if x.dim() != 3 or targets.dim() != 2 or x.shape[0] != targets.shape[0]:
        raise LossError(
            f"ctc_loss: got {tuple(x.shape)} and targets {tuple(targets.shape)}; expected (B, T, V) and (B, L); "
            "put the batch first"
        )
    _check_range("input_lengths", input_lengths, x.shape[1])
    _check_range("target_lengths", target_lengths, targets.shape[1])
    used = targets[torch.arange(targets.shape[1], device=targets.device) < target_lengths[:, None]]
    if used.numel() and (int(used.min()) < 0 or int(used.max()) >= x.shape[2] or bool((used == blank).any())):
        raise LossError(
            f"ctc_loss: targets hold {sorted(set(used.tolist()))[:5]}…; "
            f"expected labels in [0, {x.shape[2]}) other than the "
            f"blank {blank}; check the tokenizer against the model's output"
        )


def _check_range(name: str, lengths: Tensor, longest: int) -> None:
    bad = ((lengths < 0) | (lengths > longest)).nonzero().flatten()
    if lengths.dtype not in (torch.int64, torch.int32) or bad.numel():
        row = int(bad[0]) if bad.numel() else 0
        raise LossError(
            f"ctc_loss: {name}[{row}] is {lengths[row].item()} ({lengths.dtype}); "
            f"expected an integer in [0, {longest}]; "
            "let lengths travel with their tensor"
        )


def _refuse_probabilities(logits: Tensor, input_lengths: Tensor) -> None:
    # one frame an utterance is enough to tell, and costs nothing
    first = logits[input_lengths > 0, 0] if logits.shape[1] else logits[:0, :0]
    if first.numel() and first.shape[-1] > 1 and _are_distributions(first):
        raise LossError(
            "ctc_loss: the rows are probabilities already (in [0, 1], sum 1); expected logits; "
            "a second softmax would keep every "
            "probability below e/(e + V - 1) and the model would never learn: leave the softmax out or call "
            "ctc_loss_from_probs"
        )


def _are_distributions(rows: Tensor) -> bool:
    rows = rows.detach().float()
    return bool(((rows >= 0) & (rows <= 1)).all()) and bool((rows.sum(-1) - 1).abs().max() < 1e-2)
