"""Recordings read to their end, several at once: what a check needs to know of each file."""

import hashlib
import math
import os
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from asr.audio.io import probe, read_audio
from asr.errors import AudioError

_BLOCK = 600.0  # s decoded at once, so that a day of radio fits into memory


@dataclass(frozen=True, slots=True)
class Recording:
    """A file read to its end: samples at its rate [Hz], their digest and largest amplitude; or its error."""

    samples: int = 0
    rate: int = 1
    digest: str = ""
    peak: float = 0.0
    error: str = ""


def read_all(paths: Collection[Path], progress: Callable[[int, int], None] | None) -> dict[Path, Recording]:
    """Every file decoded in full, several at once: the decoders run outside Python's lock."""
    ordered = sorted(paths)
    recordings = {}
    pool = ThreadPoolExecutor(min(8, os.cpu_count() or 1))
    try:
        for path, recording in zip(ordered, pool.map(_read, ordered), strict=True):
            recordings[path] = recording
            if progress is not None:
                progress(len(recordings), len(ordered))
    finally:
        pool.shutdown(cancel_futures=True)
    return recordings


def _read(path: Path) -> Recording:
    digest, samples, rate, peak = hashlib.blake2b(digest_size=16), 0, 1, 0.0
    try:
        blocks = max(1, math.ceil(probe(path).duration / _BLOCK))
        for i in range(blocks):
            # the last block reads to the end, whatever the header says
            waveform, rate = read_audio(path, None, i * _BLOCK, _BLOCK if i + 1 < blocks else None)
            digest.update(waveform.tobytes())
            samples, peak = samples + len(waveform), max(peak, float(abs(waveform).max()))
    except AudioError as error:
        return Recording(error=str(error))
    return Recording(samples, rate, digest.hexdigest(), peak)
