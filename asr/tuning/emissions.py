"""What the acoustic model says of a manifest, heard once and kept beside the run: RUN/cache/<manifest>.npz.

The file may be deleted at any time. It is made anew where the model, the manifest or a recording is another.
"""

import hashlib
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from asr.evaluating import folder_of
from asr.files import whole
from asr.inference.recogniser import Recogniser, emissions_of
from asr.types import Utterance


def kept_emissions(
    recogniser: Recogniser,
    run: Path,
    name: str,
    utterances: Sequence[Utterance],
    advance: Callable[[float], None] = lambda share: None,
) -> tuple[list[np.ndarray], bool]:
    """The log probabilities (T, V) float32 of each utterance, and whether they were kept from before.

    Raises AudioError naming an utterance that cannot be read.
    """
    path, key = folder_of(run) / "cache" / f"{name}.npz", _key(run, utterances)
    found = _load(path, key)
    if found is not None:
        return found, True
    rows = []
    for row in emissions_of(recogniser, utterances):
        rows.append(np.ascontiguousarray(row.numpy(), np.float32))
        advance(len(rows) / len(utterances))
    with whole(path) as scratch, scratch.open("wb") as file:
        np.savez(file, key=np.array(key), lengths=np.array([len(r) for r in rows]), log_probs=np.concatenate(rows))
    return rows, False


def _key(run: Path, utterances: Sequence[Utterance]) -> str:
    """A digest of the model, and of every stretch of sound with the size and time of its file."""
    digest = hashlib.sha256()
    with (run / "model.pt" if run.is_dir() else run).open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    for u in utterances:
        known = u.audio.stat() if u.audio.exists() else None
        state = (known.st_size, known.st_mtime_ns) if known else ()
        digest.update(repr((u.id, str(u.audio), u.offset, u.duration, state)).encode())
    return digest.hexdigest()


def _load(path: Path, key: str) -> list[np.ndarray] | None:
    """What was kept under this key; None where nothing was, or it is broken."""
    try:
        with np.load(path, allow_pickle=False) as kept:
            if str(kept["key"]) != key:
                return None
            ends = np.cumsum(kept["lengths"])
            rows = np.split(kept["log_probs"], ends[:-1])
            return rows if len(kept["log_probs"]) == ends[-1] else None
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
