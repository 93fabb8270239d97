"""Sampling-rate conversion. Knows rates; does not know files."""

from collections.abc import Iterable, Iterator

import numpy as np
import soxr


def resample(waveform: np.ndarray, from_rate: int, to_rate: int) -> np.ndarray:
    """The waveform (S,) or (S, C) float32 at `to_rate` Hz, band-limited by soxr at high quality.

    The result has S · to_rate / from_rate samples, rounded; equal rates return the waveform itself.
    """
    if from_rate == to_rate:
        return waveform
    return soxr.resample(np.asarray(waveform, dtype=np.float32), from_rate, to_rate, quality="HQ")


def resample_blocks(blocks: Iterable[np.ndarray], from_rate: int, to_rate: int) -> Iterator[np.ndarray]:
    """Blocks (S,) float32 of a waveform of any length, resampled as the whole would be; blocks may come out empty."""
    if from_rate == to_rate:
        yield from blocks
        return
    stream = soxr.ResampleStream(from_rate, to_rate, 1, dtype="float32", quality="HQ")
    for block in blocks:
        yield stream.resample_chunk(np.ascontiguousarray(block, dtype=np.float32))
    yield stream.resample_chunk(np.zeros(0, dtype=np.float32), last=True)
