"""What the CTC loss refuses at its doors: lengths and labels that have no loss, rows that are not what the door takes.

Knows the place of every mistake; not how the loss is computed. Lengths and labels are looked at on the host with numpy,
where an operation on so few numbers takes a third of torch's.
"""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from asr.errors import LossError

_FLOATS = (torch.float32, torch.float64, torch.bfloat16, torch.float16)
_INTEGERS = (torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8)


class Alignable(NamedTuple):
    """Targets (B, L), input_lengths and target_lengths (B,) that have passed: int64, on the host."""

    targets: Tensor
    input_lengths: Tensor
    target_lengths: Tensor


def checked(
    door: str, x: Tensor, targets: Tensor, input_lengths: Tensor, target_lengths: Tensor, blank: int
) -> Alignable:
    """Targets and lengths that fit x (B, T, V) and each other. Padding beyond a target's length may hold anything.

    targets (B, L), or concatenated (sum of lengths,). Raises LossError naming the utterance and the position.
    """
    _check_shapes(door, x, targets, input_lengths, target_lengths)
    frames, vocabulary = x.shape[1:]
    if not 0 <= blank < vocabulary:
        raise LossError(
            f"{door}: blank is {blank}; expected an id in [0, {vocabulary}); where the blank comes last it is V - 1"
        )
    targets, input_lengths, target_lengths = _on_host(targets, input_lengths, target_lengths)
    _check_range(door, "input_lengths", input_lengths, frames, "frames of the input")
    rows = _padded(door, targets, target_lengths)
    _check_range(door, "target_lengths", target_lengths, rows.shape[1], "columns of targets")
    _check_labels(door, rows.numpy(), target_lengths.numpy(), vocabulary, blank)
    return Alignable(rows, input_lengths, target_lengths)


def padded(targets: Tensor, target_lengths: Tensor) -> Tensor:
    """Targets as (B, L), given so or concatenated (sum of lengths,); zeros fill up what was concatenated."""
    return targets if targets.dim() == 2 else _padded("targets", targets, target_lengths)


def refuse_probabilities(door: str, logits: Tensor, input_lengths: Tensor) -> None:
    """Raise LossError where logits (B, T, V) are probabilities already. One frame an utterance is enough to tell."""
    if not logits.shape[1] or logits.shape[2] < 2:
        return
    first = logits.detach()[:, 0]
    if not all(lengths := input_lengths.tolist()):
        first = first[[row for row, length in enumerate(lengths) if length]]
    # nearly all logits end at the first question, which is the only one that waits for another device
    if first.numel() and float(first.min()) >= 0 and _sum_to_one(first):
        raise LossError(
            f"{door}: the rows are probabilities already (in [0, 1], sum 1); expected logits; a second softmax would "
            "keep every probability below e/(e + V - 1) and the model would never learn: leave the softmax out or call "
            "ctc_loss_from_probs"
        )


def check_log_probs(door: str, log_probs: Tensor, input_lengths: Tensor) -> None:
    """Raise LossError naming the first valid frame of log_probs (B, T, V) whose probabilities do not sum to 1."""
    rows = log_probs.detach()
    # 16 bits round a log probability of -8 to -16 by up to 0.031 (bfloat16) or 0.004 (float16)
    tolerance = 1e-3 if rows.element_size() >= 4 else 4e-2
    sums = _wide(rows).logsumexp(-1)
    _refuse(
        door, sums.abs() > tolerance, input_lengths, sums, "logsumexp",
        "expected log probabilities, logsumexp 0; give logits to ctc_loss or probabilities to ctc_loss_from_probs",
    )  # fmt: skip


def check_probs(door: str, probs: Tensor, input_lengths: Tensor) -> None:
    """Raise LossError naming the first valid frame of probs (B, T, V) that is no distribution."""
    rows = _wide(probs.detach())
    sums = rows.sum(-1)
    remedy = "expected probabilities, each at least 0 and their sum 1; give logits to ctc_loss"
    if rows.numel():
        lowest = rows.amin(-1)
        _refuse(door, lowest < 0, input_lengths, lowest, "lowest value", remedy)
    _refuse(door, (sums - 1).abs() > 1e-2, input_lengths, sums, "sum", remedy)


def _refuse(door: str, bad: Tensor, input_lengths: Tensor, measured: Tensor, name: str, remedy: str) -> None:
    valid = torch.arange(bad.shape[1], device=bad.device) < input_lengths.to(bad.device)[:, None]
    places = (bad & valid).nonzero()
    if len(places):
        row, frame = places[0].tolist()
        value = float(measured[row, frame])
        raise LossError(f"{door}: utterance {row}, frame {frame}: the row's {name} is {value:.4g}; {remedy}")


def _sum_to_one(rows: Tensor) -> bool:
    return float((_wide(rows).sum(-1) - 1).abs().max()) < 1e-2


def _wide(x: Tensor) -> Tensor:
    return x if x.dtype == torch.float64 else x.float()


def _check_shapes(door: str, x: Tensor, targets: Tensor, input_lengths: Tensor, target_lengths: Tensor) -> None:
    if x.dim() != 3 or x.dtype not in _FLOATS:
        raise LossError(f"{door}: got {_kind(x)}; expected floats (B, T, V); put the batch first")
    if targets.dim() not in (1, 2) or (targets.dim() == 2 and targets.shape[0] != x.shape[0]):
        raise LossError(
            f"{door}: targets are {_kind(targets)} beside an input of shape {tuple(x.shape)}; expected (B, L) with B = "
            f"{x.shape[0]}, or (sum of target_lengths,); put the batch first"
        )
    for name, lengths in (("input_lengths", input_lengths), ("target_lengths", target_lengths)):
        if lengths.shape != x.shape[:1]:
            raise LossError(f"{door}: {name} is {_kind(lengths)}; expected ({x.shape[0]},); give a length an utterance")
        if lengths.dtype not in _INTEGERS:
            raise LossError(
                f"{door}: {name} is {_kind(lengths)}, {name}[0] is {float(lengths[0]) if len(lengths) else 0:g}; "
                "expected integers; count frames and labels, fractions of the longest are off by one"
            )
    if targets.dtype not in _INTEGERS:
        raise LossError(f"{door}: targets are {_kind(targets)}; expected integers; give the ids of the labels")


def _kind(x: Tensor) -> str:
    return f"{str(x.dtype).removeprefix('torch.')} {tuple(x.shape)}"


def _on_host(*tensors: Tensor) -> list[Tensor]:
    """The tensors as int64 on the host; those that share a device come in one transfer, for each waits for it."""
    devices = {x.device for x in tensors}
    if len(devices) > 1 or tensors[0].device.type == "cpu":
        return [x.detach().to("cpu", torch.int64) for x in tensors]
    together = torch.cat([x.detach().reshape(-1).long() for x in tensors]).cpu()
    parts = together.split([x.numel() for x in tensors])
    return [part.view(x.shape) for part, x in zip(parts, tensors, strict=True)]


def _check_range(door: str, name: str, lengths: Tensor, longest: int, what: str) -> None:
    values = lengths.tolist()
    if values and (min(values) < 0 or max(values) > longest):
        row = next(i for i, n in enumerate(values) if not 0 <= n <= longest)
        raise LossError(
            f"{door}: {name}[{row}] is {values[row]}; expected 0 … {longest}, the {what}; "
            "let lengths travel with their tensor"
        )


def _padded(door: str, targets: Tensor, target_lengths: Tensor) -> Tensor:
    if targets.dim() == 2:
        return targets
    lengths = target_lengths.tolist()
    if min(lengths, default=0) < 0 or sum(lengths) != len(targets):
        raise LossError(
            f"{door}: target_lengths {_shortened(lengths)} add up to {sum(lengths)} but the concatenated targets hold "
            f"{len(targets)}; expected as many; join exactly the labels of each utterance, in order"
        )
    rows = targets.new_zeros(len(lengths), max(lengths, default=0))
    rows[torch.arange(rows.shape[1], device=rows.device) < target_lengths.to(rows.device)[:, None]] = targets
    return rows


def _shortened(values: list[int]) -> str:
    return str(values if len(values) <= 8 else [*values[:8], "…"]).replace("'", "")


def _check_labels(door: str, targets: np.ndarray, lengths: np.ndarray, vocabulary: int, blank: int) -> None:
    # a negative id is a large unsigned one: one comparison finds both ends
    bad = (targets.view(np.uint64) >= vocabulary) | (targets == blank)
    bad &= np.arange(targets.shape[1]) < lengths[:, None]
    if bad.any():
        row, position = (int(i) for i in np.argwhere(bad)[0])
        label = int(targets[row, position])
        wrong = "the blank" if label == blank else "negative" if label < 0 else "beyond the vocabulary"
        raise LossError(
            f"{door}: utterance {row}, label {position} is {label}, {wrong}; expected labels in [0, {vocabulary}) "
            f"other than the blank {blank}; check the tokenizer against the model's output"
        )
