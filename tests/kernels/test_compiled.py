"""Where compiled code goes, what is said about it, and that several processes may want it at once."""

import subprocess
import sys
from pathlib import Path

from asr.kernels.compiled import kernels_folder

_LOSS = """
import torch
from asr.ctc import ctc_loss
x = torch.zeros(1, 4, 3, requires_grad=True)
loss = ctc_loss(x, torch.tensor([[1, 2]]), torch.tensor([4]), torch.tensor([2]))
loss.sum().backward()
print(f"{loss.item():.4f} {x.grad.abs().sum():.4f}")
"""


def _start(cache):
    environment = {"ASR_CACHE": str(cache), "PATH": "", "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-c", _LOSS], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def test_two_processes_compile_at_once_a_third_finds_it_done_and_a_fourth_has_no_place_for_it(tmp_path):
    together = [_start(tmp_path), _start(tmp_path)]
    answers = [process.communicate(timeout=200) for process in together]
    assert answers[0][0] == answers[1][0] == "1.6864 2.1333\n"  # -log(15 / 81): 15 of the 81 paths say it
    assert all("compiling kernels, once a machine" in said for _, said in answers)
    assert list(tmp_path.glob("kernels-*/**/*.nbi"))
    assert _start(tmp_path).communicate(timeout=200) == (answers[0][0], "")
    (tmp_path / "file").write_text("")
    heard, said = _start(tmp_path / "file" / "below").communicate(timeout=200)
    assert heard == answers[0][0] and said == "compiling kernels, once a machine\n"


def test_the_folder_is_outside_the_installation_and_named_by_what_the_kernels_say(monkeypatch, tmp_path):
    monkeypatch.setenv("ASR_CACHE", str(tmp_path))
    assert kernels_folder().parent == tmp_path
    before = kernels_folder()
    source = Path(kernels_folder.__globals__["__file__"])
    monkeypatch.setattr(Path, "read_bytes", lambda path: b"another" if path == source else b"")
    assert kernels_folder() != before
