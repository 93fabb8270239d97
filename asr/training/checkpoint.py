"""Checkpoints and models on disk: tensors and plain data only, written whole, loaded without running code."""

import pickle
import warnings
from pathlib import Path
from typing import Any

import torch

from asr.errors import CheckpointError
from asr.files import whole

FORMAT = 1


def save(path: Path, kind: str, state: dict[str, Any]) -> None:
    """Write `state`; `path` holds all of it or what it held before. Raises CheckpointError: disk full."""
    try:
        with whole(path) as scratch:
            torch.save({"format": FORMAT, "kind": kind, **state}, scratch)
    except (OSError, RuntimeError) as error:
        kept = "the old file is intact" if path.exists() else "nothing was written"
        raise CheckpointError(
            f"{path}: cannot be saved ({_reason(error)}); expected room and permission to write; "
            f"free some space, {kept}"
        ) from None


def load(path: Path, kind: str) -> dict[str, Any]:
    """The state `save` wrote, on the CPU. Raises CheckpointError: missing, truncated, code inside, another kind."""
    if not path.is_file():
        raise CheckpointError(f"{path}: no such file; expected a {kind}; train one or check the path")
    try:
        with warnings.catch_warnings(action="ignore"):  # of pickles that are not ours
            state = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        raise CheckpointError(
            f"{path}: holds more than tensors and plain data; expected a {kind} written by this program; "
            "it was not loaded, since loading it could run code"
        ) from None
    except Exception:  # damaged bytes can break the reader anywhere: IndexError, KeyError, EOFError, …
        raise CheckpointError(f"{path}: truncated or damaged; expected a {kind}; use an older one") from None
    if not isinstance(state, dict) or state.get("kind") != kind or state.get("format") != FORMAT:
        found = state.get("kind", "something else") if isinstance(state, dict) else "something else"
        raise CheckpointError(f"{path}: holds a {found}; expected a {kind} of format {FORMAT}; check the path")
    return state


def _reason(error: Exception) -> str:
    cause: BaseException | None = error
    while cause is not None:  # torch wraps the operating system's word
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror
        cause = cause.__cause__ or cause.__context__
    return str(error).splitlines()[0]
