"""Which process of how many, and its device."""

import tempfile
from pathlib import Path

import pytest
import torch

from asr.errors import ConfigError
from asr.world import available_memory, cache_folder, current_world, multiplies_bfloat16, peak_memory


def test_alone_unless_torchrun_says_otherwise(monkeypatch):
    for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK"):
        monkeypatch.delenv(name, raising=False)
    world = current_world("cpu")
    assert (world.rank, world.size, world.is_main) == (0, 1, True)
    monkeypatch.setenv("RANK", "3")
    monkeypatch.setenv("WORLD_SIZE", "4")
    world = current_world("cpu")
    assert (world.rank, world.size, world.is_main) == (3, 4, False)


def test_a_gpu_where_there_is_none_is_one_line(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert current_world("auto").device == torch.device("cpu")
    with pytest.raises(ConfigError, match="device=cpu"):
        current_world("cuda")


def test_each_process_of_a_machine_takes_its_own_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setenv("LOCAL_RANK", "2")
    assert current_world("cuda").device == current_world("auto").device == torch.device("cuda:2")
    assert current_world("cuda:1").device == torch.device("cuda:1")


def test_bfloat16_is_asked_of_the_hardware(monkeypatch):
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: True, raising=False)
    assert multiplies_bfloat16(torch.device("cpu"))
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False, raising=False)
    assert not multiplies_bfloat16(torch.device("cpu"))


def test_downloads_go_where_the_environment_says(monkeypatch, tmp_path):
    monkeypatch.setenv("ASR_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path


def test_without_a_home_the_cache_is_with_the_temporary_files(monkeypatch):
    def nobody():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("ASR_CACHE", raising=False)
    assert cache_folder() == Path.home() / ".cache" / "asr-ctc"
    monkeypatch.setattr(Path, "home", nobody)
    assert cache_folder() == Path(tempfile.gettempdir()) / "asr-ctc"


def test_memory_is_told_in_bytes() -> None:
    cpu = torch.device("cpu")
    assert 10_000_000 < peak_memory(cpu) < 2**44 and 10_000_000 < available_memory(cpu) < 2**44
