"""A model's automaton beside its ARPA file, in arrays that load without parsing or running anything.

Knows when such a file is fresh: it names its format and the size and time of the file it was made from.
"""

import zipfile
from pathlib import Path

import numpy as np

from asr.files import whole
from asr.lm.kernels.automaton import STEP, Automaton

_FORMAT = 2  # raise it whenever the automaton's arrays change their meaning


def cache_path(source: Path) -> Path:
    """Where the automaton of an ARPA file lies."""
    return source.with_name(source.name + ".cache")


def stamp_of(source: Path) -> np.ndarray:
    """What a cache of `source`, as it is now, names; raises OSError where there is no such file."""
    status = source.stat()
    return np.array([_FORMAT, round(1 / STEP), status.st_size, status.st_mtime_ns], np.int64)


def load(source: Path) -> tuple[int, tuple[str, ...], Automaton] | None:
    """Order, words and automaton of the ARPA file `source`; None where no fresh, whole cache lies beside it."""
    try:
        with np.load(cache_path(source), allow_pickle=False) as arrays:
            if not np.array_equal(arrays["stamp"], stamp_of(source)):
                return None
            words = tuple(arrays["words"].tobytes().decode().split("\n"))
            model = Automaton(*(arrays[name] for name in Automaton._fields))
            order = int(arrays["order"])
    except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile):
        return None
    return (order, words, model) if _consistent(words, model) else None


def _consistent(words: tuple[str, ...], model: Automaton) -> bool:
    """Whether the shapes are an automaton's; that the bytes are those once written, the zip file's checksums tell."""
    slots = len(model.arcs)
    return (
        all(array.dtype == np.int32 for array in model)
        and model.arcs.shape == (slots, 4)
        and slots > 0
        and slots & (slots - 1) == 0
        and model.unigrams.shape == (len(words), 2)
        and model.contexts.shape == (len(model.contexts), 2)
    )


def save(source: Path, stamp: np.ndarray, order: int, words: tuple[str, ...], model: Automaton) -> None:
    """Leave the automaton beside `source`, which had that stamp before it was read; if that fails, do nothing."""
    text = np.frombuffer("\n".join(words).encode(), np.uint8)
    try:
        with whole(cache_path(source)) as scratch, scratch.open("wb") as f:
            np.savez(f, stamp=stamp, order=np.int64(order), words=text, **model._asdict())
    except OSError:
        return
