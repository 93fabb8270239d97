"""Checkpoints: whole or not there, plain data only, and one clear line for every file that is not one."""

import errno
import pickle
import resource
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from asr.errors import CheckpointError
from asr.training import checkpoint

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(
    st.dictionaries(st.text(min_size=1, max_size=5).filter(lambda k: k not in ("kind", "format")), PLAIN, max_size=4)
)
@settings(max_examples=30, deadline=None)
def test_plain_data_comes_back_equal(tmp_path_factory: pytest.TempPathFactory, data: dict) -> None:
    path = tmp_path_factory.getbasetemp() / "plain.pt"
    checkpoint.save(path, "model", data)
    assert checkpoint.load(path, "model") == {"format": checkpoint.FORMAT, "kind": "model", **data}


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.int64, torch.uint8, torch.bool])
def test_tensors_come_back_bit_for_bit(tmp_path: Path, dtype: torch.dtype) -> None:
    tensor = (torch.randn(3, 5) * 10).to(dtype)
    checkpoint.save(tmp_path / "deep" / "a.pt", "checkpoint", {"a": [tensor, {"b": tensor[0]}]})
    first, inner = checkpoint.load(tmp_path / "deep" / "a.pt", "checkpoint")["a"]
    assert first.dtype == dtype and torch.equal(first, tensor) and torch.equal(inner["b"], tensor[0])


def refused(path: Path, kind: str = "model") -> str:
    with pytest.raises(CheckpointError) as caught:
        checkpoint.load(path, kind)
    message = str(caught.value)
    assert message.startswith(f"{path}: ") and "\n" not in message and message.count("; ") >= 2
    return message


def test_every_truncation_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.pt"
    checkpoint.save(path, "model", {"weights": torch.randn(20), "text": "x" * 50})
    content = path.read_bytes()
    for length in [*range(0, 200, 7), *range(200, len(content) - 1, 97), len(content) - 1]:
        path.write_bytes(content[:length])
        assert "truncated or damaged" in refused(path), length


@given(st.binary(max_size=60))
@settings(max_examples=150, deadline=None)
def test_any_bytes_are_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "bytes.pt"
    path.write_bytes(content)
    refused(path)


class Toucher:
    """A pickle that makes a file when it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("zipped", [True, False])
def test_code_inside_is_refused_and_not_run(tmp_path: Path, zipped: bool) -> None:
    path, trace = tmp_path / "evil.pt", tmp_path / "touched"
    torch.save({"format": 1, "kind": "model", "model": Toucher(trace)}, path, _use_new_zipfile_serialization=zipped)
    assert "could run code" in refused(path)
    assert not trace.exists()
    torch.load(path, weights_only=False)
    assert trace.exists()  # it would have


def test_a_bare_pickle_with_code_is_not_run(tmp_path: Path) -> None:
    path, trace = tmp_path / "evil.pt", tmp_path / "touched"
    path.write_bytes(pickle.dumps(Toucher(trace)))
    refused(path)
    assert not trace.exists()


def test_other_kinds_formats_and_absent_files(tmp_path: Path) -> None:
    path = tmp_path / "a.pt"
    assert "no such file; expected a model" in refused(path)
    checkpoint.save(path, "checkpoint", {})
    assert "holds a checkpoint; expected a model of format 1" in refused(path)
    torch.save({"kind": "model", "format": 99}, path)
    assert "expected a model of format 1" in refused(path)
    torch.save([1, 2], path)
    assert "holds a something else" in refused(path)


def test_a_full_disk_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.pt"
    checkpoint.save(path, "model", {"step": 1})

    def half(state: dict, target: Path) -> None:
        Path(target).write_bytes(b"half of it")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(torch, "save", half)
    with pytest.raises(CheckpointError, match=r"No space left on device.*the old file is intact"):
        checkpoint.save(path, "model", {"step": 2})
    with pytest.raises(CheckpointError, match="nothing was written"):
        checkpoint.save(tmp_path / "b.pt", "model", {"step": 2})
    assert [p.name for p in tmp_path.iterdir()] == ["a.pt"]
    assert checkpoint.load(path, "model")["step"] == 1


FILLED = """
import resource, sys, torch
from pathlib import Path
from asr.errors import CheckpointError
from asr.training import checkpoint
path = Path(sys.argv[1])
checkpoint.save(path, "model", {"step": 1})
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))
try:
    checkpoint.save(path, "model", {"step": 2, "weights": torch.randn(100_000)})
except CheckpointError as error:
    print(error)
"""


@pytest.mark.skipif(not hasattr(resource, "RLIMIT_FSIZE"), reason="needs a limit on the size of files")
def test_a_write_the_system_refuses(tmp_path: Path) -> None:
    """No monkeypatch: the operating system stops the write inside torch's own writer."""
    path = tmp_path / "a.pt"
    done = subprocess.run([sys.executable, "-c", FILLED, str(path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{path}: cannot be saved (") and done.stdout.count("\n") == 1
    assert "the old file is intact" in done.stdout
    assert [p.name for p in tmp_path.iterdir()] == ["a.pt"] and checkpoint.load(path, "model")["step"] == 1
