"""Which process of how many this is, and its device. The one place that reads the environment."""

import os
import re
import resource
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import torch

from asr.errors import ConfigError


@dataclass(frozen=True, slots=True)
class World:
    """This process among `size`: its rank, and the device it computes on."""

    rank: int
    size: int
    device: torch.device

    @property
    def is_main(self) -> bool:
        """Whether this process is the one that writes files and speaks."""
        return self.rank == 0


def current_world(device: str = "auto") -> World:
    """The world torchrun describes in RANK, WORLD_SIZE and LOCAL_RANK, or a world of one.

    Raises ConfigError for a GPU where there is none.
    """
    local_rank = int(os.environ.get("LOCAL_RANK", "0"))
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    if device.startswith("cuda") and not torch.cuda.is_available():
        raise ConfigError(f"device is {device!r}: no GPU that torch can use; expected one; say device=cpu")
    if device == "cuda":
        device = f"cuda:{local_rank}"
    return World(int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1")), torch.device(device))


def cache_folder() -> Path:
    """Where downloads and compiled kernels are kept: ASR_CACHE, else ~/.cache/asr-ctc; without a home, with the
    temporary files."""
    named = os.environ.get("ASR_CACHE")
    if named:
        return Path(named)
    try:
        return Path.home() / ".cache" / "asr-ctc"
    except RuntimeError:  # a container's user of no name
        return Path(tempfile.gettempdir()) / "asr-ctc"


def available_memory(device: torch.device) -> int:
    """Bytes that may still be taken on `device`: of a CPU what the system would give without swapping, within the
    container's bound; where it does not tell, half of all."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    free = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
    told = re.search(r"^MemAvailable:\s*(\d+) kB", _contents("/proc/meminfo"), re.MULTILINE)
    if told:
        free = int(told[1]) * 1024
    bound, used = (_contents(f"/sys/fs/cgroup/memory.{name}").strip() for name in ("max", "current"))
    return min(free, int(bound) - int(used)) if bound.isdigit() and used.isdigit() else free


def forget_peak_memory(device: torch.device) -> None:
    """Let `peak_memory` of a GPU begin anew, and give back what is not in use; a CPU's stays what it was."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)


def peak_memory(device: torch.device) -> int:
    """The most bytes this process has ever held on `device`, of a GPU since `forget_peak_memory`."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak


def _contents(path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError:
        return ""


def multiplies_bfloat16(device: torch.device) -> bool:
    """Whether `device` multiplies bfloat16 in hardware; elsewhere it is emulated, several times slower than float32."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    supported = getattr(torch.cpu, "_is_avx512_bf16_supported", None)  # torch offers no public question
    return device.type == "cpu" and supported is not None and bool(supported())
