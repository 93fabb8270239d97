"""Forced alignment: which frame says which label of a transcript, by the likeliest path that collapses to it.

Knows lengths, mistakes at the door and what a path means; the search itself is asr/ctc/kernels/viterbi.py.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from asr.ctc.checks import checked
from asr.ctc.collapse import BLANK
from asr.errors import LossError


@dataclass(frozen=True, slots=True, eq=False)
class Alignment:
    """The likeliest path of one utterance through its targets.

    positions (T,) int64: the index into the targets that each frame says, -1 for the blank; many frames may say one.
    spans: the frames [start, end) of each target. scores: each target's mean log probability over its frames (nats).
    score: the log probability of the whole path, blanks too (nats).
    """

    positions: Tensor
    spans: tuple[tuple[int, int], ...]
    scores: tuple[float, ...]
    score: float


def align(
    log_probs: Tensor, targets: Tensor, input_lengths: Tensor, target_lengths: Tensor, blank: int = BLANK
) -> list[Alignment | None]:
    """The Viterbi alignment of each utterance; None where no path exists: too few frames, or -inf on all of them.

    log_probs (B, T, V), taken as float32 to the CPU; targets (B, L) or concatenated, lengths (B,), integers. Of paths
    exactly as likely the answer is the one that, followed from its last frame to its first, is always as far on in
    the transcript as any of them: ties make labels early. Time is O(T · L) an utterance, memory 2L + 1 bytes a frame
    of the longest. Raises LossError for shapes, lengths or labels out of range, for emissions
    above 0 (logits) and for those of the blank or of a target that are NaN or +inf.
    """
    labels, frames, lengths = (
        x.numpy() for x in checked("align", log_probs, targets, input_lengths, target_lengths, blank)
    )
    if not len(frames):
        return []
    from asr.ctc.kernels.viterbi import viterbi  # numba takes a second to import: only who aligns waits for it

    emissions = np.ascontiguousarray(log_probs.detach().to("cpu", torch.float32).numpy())
    labels = np.ascontiguousarray(labels)
    _refuse_logits(emissions, frames)
    positions, scores = np.full(emissions.shape[:2], -1, np.int64), np.empty(len(frames))
    spans, sums = np.zeros((*labels.shape, 2), np.int64), np.zeros(labels.shape)
    viterbi(emissions, labels, frames, lengths, blank, positions, spans, sums, scores)
    if np.isnan(scores).any():
        raise LossError(
            f"align: utterance {np.isnan(scores).argmax()}: its emissions hold NaN or +inf; expected log "
            "probabilities, -inf allowed; give log_probs(logits), and look for what broke the model"
        )
    rows = zip(positions, frames, spans, sums, lengths, scores, strict=True)
    return [_alignment(p[:t], s[:n], x[:n], float(score)) for p, t, s, x, n, score in rows]


def _refuse_logits(emissions: np.ndarray, frames: np.ndarray) -> None:
    """A log probability above 0 is none. Sums are not looked at: tokens may have been masked."""
    inside = np.arange(emissions.shape[1]) < frames[:, None]
    wrong = ((emissions > 1e-3) & np.isfinite(emissions)).any(-1) & inside
    if wrong.any():
        row, frame = np.argwhere(wrong)[0]
        raise LossError(
            f"align: utterance {row}, frame {frame}: an emission is {emissions[row, frame].max():.3f}; expected log "
            "probabilities, none above 0; give log_probs(logits)"
        )


def _alignment(positions: np.ndarray, spans: np.ndarray, sums: np.ndarray, score: float) -> Alignment | None:
    if score == -np.inf:
        return None
    means = sums / (spans[:, 1] - spans[:, 0])
    frames = tuple((start, end) for start, end in spans.tolist())
    return Alignment(torch.from_numpy(positions.copy()), frames, tuple(means.tolist()), score)
