"""The mathematics of Connectionist Temporal Classification. The blank is defined here: id 0."""

from asr.ctc.align import Alignment, align
from asr.ctc.collapse import BLANK
from asr.ctc.loss import (
    backend,
    ctc_loss,
    ctc_loss_and_frames,
    ctc_loss_from_log_probs,
    ctc_loss_from_probs,
    feasible,
    log_probs,
    required_frames,
)

__all__ = [
    "BLANK",
    "Alignment",
    "align",
    "backend",
    "ctc_loss",
    "ctc_loss_and_frames",
    "ctc_loss_from_log_probs",
    "ctc_loss_from_probs",
    "feasible",
    "log_probs",
    "required_frames",
]
