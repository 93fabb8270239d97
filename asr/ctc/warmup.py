"""Every kernel of this room compiled now, so that nobody waits for it later."""

from pathlib import Path

import torch

from asr.ctc.align import align
from asr.ctc.fused import fused_ctc_loss
from asr.kernels.compiled import kernels_folder

_FORMATS = (torch.float32, torch.bfloat16, torch.float16, torch.float64)


def warm_up() -> Path:
    """Call every kernel of the loss and of aligning once, in every format; the folder that keeps the compiled code."""
    targets, frames, lengths = torch.tensor([[1, 2]]), torch.tensor([4]), torch.tensor([2])
    for dtype in _FORMATS:
        fused_ctc_loss(torch.zeros(1, 4, 3, dtype=dtype, requires_grad=True), targets, frames, lengths)
    align(torch.zeros(1, 4, 3).log_softmax(-1), targets, frames, lengths)
    return kernels_folder()
