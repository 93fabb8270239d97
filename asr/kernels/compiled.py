"""Compiling kernels with numba: once a machine, into a folder that can be written, never into the installation.

Knows where compiled code lies and when to say that something is compiled; not what is compiled.
"""

import hashlib
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import llvmlite.binding as llvm
import numba
from numba import config, njit

from asr.world import cache_folder

_SAID: list[str] = []

# numba cannot promise LLVM that arrays do not overlap; LLVM's own limit of eight run-time checks of it would leave the
# loops over states scalar. An option of the whole process: other numba code is only vectorised more often.
llvm.set_option("", "--runtime-memory-check-threshold=64")


def kernels_folder() -> Path:
    """Where compiled code is kept. Named after what the sources say: numba itself sees when a kernel's own file
    changes, but not when another file does whose functions the kernel calls."""
    digest = hashlib.sha256(numba.__version__.encode())
    for path in sorted(Path(__file__).parents[1].glob("**/kernels/*.py")):
        digest.update(path.read_bytes())
    return cache_folder() / f"kernels-{digest.hexdigest()[:12]}"


def _writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


_FOLDER = kernels_folder()
_KEPT = _writable(_FOLDER)


class Kernel:
    """A compiled function that tells the user, once a process, when a call has to wait for the compiler."""

    told = False

    def __init__(self, function: Callable[..., Any], **options: Any) -> None:
        before = config.CACHE_DIR  # type: ignore[attr-defined]
        config.CACHE_DIR = str(_FOLDER)  # type: ignore[attr-defined]  # numba takes the place now, not at compile time
        try:
            self.dispatcher = njit(nogil=True, cache=_KEPT, error_model="numpy", **options)(function)
        finally:
            config.CACHE_DIR = before  # type: ignore[attr-defined]
        cache = self.dispatcher._cache
        self._find, cache.load_overload = cache.load_overload, self._load

    def __call__(self, *arguments: Any) -> Any:
        return self.dispatcher(*arguments)

    def _load(self, signature: Any, context: Any) -> Any:
        """What numba asks before it compiles a signature: None means that it will."""
        found = self._find(signature, context)
        if found is None and not Kernel.told:
            Kernel.told = True
            sys.stderr.write("compiling kernels, once a machine\n")
        return found


def compiled(function: Callable[..., Any]) -> Kernel:
    """`function` as machine code that runs without the interpreter's lock, kept for later processes.

    Where nothing can be written it is compiled anew in every process.
    """
    return Kernel(function)


def searching(function: Callable[..., Any]) -> Kernel:
    """`compiled` for a kernel that makes no arrays: numba then counts no references to those it is given."""
    return Kernel(function, _nrt=False)


def part(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function` as a part of the compiled kernels that call it."""
    return njit(error_model="numpy", fastmath={"nsz", "contract"})(function)


def summing(function: Callable[..., Any]) -> Callable[..., Any]:
    """A part whose additions may be reordered, without which LLVM does not vectorise a sum."""
    return njit(error_model="numpy", fastmath={"nsz", "contract", "reassoc"})(function)


def inlined(function: Callable[..., Any]) -> Callable[..., Any]:
    """A part written into its caller before LLVM sees it: handing over a tuple of many arrays costs more than most work
    that is done with it."""
    return njit(error_model="numpy", fastmath={"nsz", "contract"}, inline="always")(function)
