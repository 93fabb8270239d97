"""After a warm-up nothing is compiled any more, in any format, in one thread or two."""

import pytest
import torch

from asr import cli
from asr.ctc.align import align
from asr.ctc.fused import fused_ctc_loss
from asr.ctc.kernels import batch
from asr.ctc.kernels.viterbi import viterbi
from asr.ctc.warmup import warm_up
from asr.kernels.compiled import kernels_folder


@pytest.mark.parametrize("threads", [1, 2])
def test_nothing_is_compiled_after_it(monkeypatch, threads):
    folder = warm_up()
    assert folder.name.startswith("kernels-")
    monkeypatch.setattr(batch, "_SMALL", 1)
    kernels = [batch._probabilities.dispatcher, batch._logarithms.dispatcher, viterbi.dispatcher]
    before = [len(kernel.signatures) for kernel in kernels]
    assert sum(before) == 5
    threads_before = torch.get_num_threads()
    torch.set_num_threads(threads)
    targets, frames, lengths = torch.ones(5, 3, dtype=torch.int64), torch.full((5,), 9), torch.full((5,), 3)
    for dtype in (torch.float32, torch.bfloat16, torch.float16, torch.float64):
        logits = torch.zeros(5, 9, 4, dtype=dtype)
        for given in (logits, logits.transpose(0, 1).contiguous().transpose(0, 1), logits.clone().requires_grad_()):
            fused_ctc_loss(given, targets, frames, lengths)
    align(torch.zeros(5, 9, 4).log_softmax(-1), targets, frames, lengths)
    torch.set_num_threads(threads_before)
    assert [len(kernel.signatures) for kernel in kernels] == before


def test_the_verb_says_where(capsys):
    cli.warmup()
    out = capsys.readouterr().out
    assert out.startswith("kernels ready in ") and str(kernels_folder()) in out
