"""Recordings read to their end, several at once: what a check needs to know of each file and each utterance in it."""

import base64
import hashlib
import math
import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np

from asr.audio.io import probe, read_blocks
from asr.audio.measure import Measures, Stretch, measures_of
from asr.data.kept import Kept
from asr.errors import AudioError
from asr.types import Utterance

_BLOCK = 60.0  # s decoded at once, so that a day of radio fits into memory


@dataclass(frozen=True, slots=True)
class Recording:
    """A file read to its end: samples at its rate [Hz], channels, the digest of its waveform and its largest amplitude,
    and the measures of every stretch an utterance is; or its error."""

    samples: int = 0
    rate: int = 1
    channels: int = 1
    digest: str = ""
    peak: float = 0.0
    stretches: Mapping[Stretch, Measures] = field(default_factory=dict)
    error: str = ""

    def of(self, utterance: Utterance) -> Measures:
        """The measures of an utterance in it."""
        return self.stretches[utterance.offset, utterance.duration]


def read_all(
    utterances: Iterable[Utterance],
    progress: Callable[[int, int], None] | None = None,
    kept: Kept[Recording] | None = None,
) -> dict[Path, Recording]:
    """Every file of the utterances decoded in full, several at once: the decoders run outside Python's lock.

    What `kept` has of a file, unchanged since, is not read again; what is read goes there at once.
    """
    stretches: dict[Path, set[Stretch]] = defaultdict(set)
    for utterance in utterances:
        stretches[utterance.audio].add((utterance.offset, utterance.duration))
    ordered = sorted(stretches)
    recordings = {}
    pool = ThreadPoolExecutor(min(8, os.cpu_count() or 1))
    try:
        found = pool.map(lambda path: _once(path, sorted(stretches[path]), kept), ordered)
        for path, recording in zip(ordered, found, strict=True):
            recordings[path] = recording
            if progress is not None:
                progress(len(recordings), len(ordered))
    finally:
        pool.shutdown(cancel_futures=True)
    return recordings


def _once(path: Path, stretches: list[Stretch], kept: Kept[Recording] | None) -> Recording:
    if kept is None:
        return _read(path, stretches)
    recording = kept.get(path, stretches)
    if recording is None or not recording.stretches.keys() >= set(stretches):
        recording = _read(path, stretches)
        if not recording.error:  # may be mended without the file changing: its folder's rights, a disk that was away
            kept.put(path, stretches, recording)
    return recording


def _read(path: Path, stretches: list[Stretch]) -> Recording:
    digest, samples, peak = hashlib.blake2b(digest_size=16), 0, 0.0

    def blocks(rate: int) -> Iterator[np.ndarray]:
        nonlocal samples, peak
        for block in read_blocks(path, rate, _BLOCK):
            digest.update(np.asarray(block, np.float32).tobytes())
            samples, peak = samples + len(block), max(peak, float(np.abs(block).max()))
            yield block

    try:
        info = probe(path)
        found = measures_of(blocks(info.sample_rate), info.sample_rate, stretches)
    except AudioError as error:
        return Recording(error=str(error))
    return Recording(samples, info.sample_rate, info.channels, digest.hexdigest(), peak, found)


def pack_recording(recording: Recording) -> dict[str, Any]:
    """A recording that could be read as plain data."""
    stretches = [[*stretch, _packed(measures)] for stretch, measures in recording.stretches.items()]
    known = {f.name: getattr(recording, f.name) for f in fields(Recording) if f.name not in ("stretches", "error")}
    return known | {"stretches": stretches}


def unpack_recording(packed: Any) -> Recording:
    """The recording that was packed. Raises ValueError or TypeError where it is none, or not whole."""
    values = _typed(Recording, packed, {"stretches": list})
    stretches = {}
    for offset, duration, measures in values["stretches"]:
        if not isinstance(offset, int | float) or not isinstance(duration, int | float):
            raise TypeError("a stretch is not of numbers")
        stretches[offset, duration] = _unpacked(measures)
    return Recording(**{**values, "stretches": stretches})


def _packed(measures: Measures) -> dict[str, Any]:
    codes = base64.b64encode(measures.codes.astype("<u2").tobytes()).decode()
    return {f.name: getattr(measures, f.name) for f in fields(Measures)} | {"codes": codes}


def _unpacked(packed: Any) -> Measures:
    values = _typed(Measures, packed, {"codes": str})
    codes = np.frombuffer(base64.b64decode(values["codes"], validate=True), "<u2").astype(np.uint16)
    return Measures(**{**values, "codes": codes})


def _typed(kind: Any, packed: Any, types: Mapping[str, type]) -> dict[str, Any]:
    """The packed fields of a dataclass, every one and no other, each of its own type or the one in `types`."""
    wanted = {f.name: types.get(f.name, f.type) for f in fields(kind) if f.name != "error"}
    if not isinstance(packed, dict) or packed.keys() != wanted.keys():
        raise ValueError("fields are missing or unknown")
    for name, value in packed.items():
        if type(value) is not wanted[name] or (isinstance(value, float) and not math.isfinite(value)):
            raise TypeError(f"{name} is not {wanted[name]}")
    return packed
