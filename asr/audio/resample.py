"""Sampling-rate conversion. Knows rates; does not know files."""

import numpy as np
import soxr


def resample(waveform: np.ndarray, from_rate: int, to_rate: int) -> np.ndarray:
    """The waveform (S,) or (S, C) float32 at `to_rate` Hz, band-limited by soxr at high quality.

    The result has S · to_rate / from_rate samples, rounded; equal rates return the waveform itself.
    """
    if from_rate == to_rate:
        return waveform
    return soxr.resample(np.asarray(waveform, dtype=np.float32), from_rate, to_rate, quality="HQ")
