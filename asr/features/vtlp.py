"""Vocal tract length perturbation: the frequency axis stretched as by another speaker's vocal tract.

Jaitly & Hinton 2013, "Vocal Tract Length Perturbation improves speech recognition". Leaves the rate of speech
alone, and pays most where speakers are few. The factors are quantised so that the warped filters of all
of them are computed once.
"""

import numpy as np
import torch
from torch import Tensor

LARGEST_WARP = 0.2  # factors lie in [0.8, 1.2]; beyond it speech stops being human
_STEP = 0.01
_BOUNDARY = 4800.0  # Hz, F_hi of the paper: above it the axis is bent back so that it still ends at half the rate


def warp_indices(warps: Tensor) -> Tensor:
    """(B,) factors → (B,) places of the nearest quantised factors in `warped_filters`."""
    places = torch.round((warps - (1.0 - LARGEST_WARP)) / _STEP).long()
    return places.clamp(0, 2 * round(LARGEST_WARP / _STEP))


def warped_filters(filters: Tensor, sample_rate: int) -> Tensor:
    """Filters (n_freqs, K) → (A, n_freqs, K): the same filters over the axis warped by each of the A factors.

    Output k of factor α measures at frequency f what filter k measures at the warped frequency of f.
    """
    steps = round(LARGEST_WARP / _STEP)
    return torch.stack(
        [_axis(filters.shape[0], sample_rate, 1 + i * _STEP) @ filters for i in range(-steps, steps + 1)]
    )


def _axis(n_freqs: int, sample_rate: int, factor: float) -> Tensor:
    """(n_freqs, n_freqs) matrix carrying the power of each bin to its warped place, split over two."""
    place = _warped(np.linspace(0.0, 1.0, n_freqs), factor, min(0.9, 2 * _BOUNDARY / sample_rate)) * (n_freqs - 1)
    low = np.minimum(np.floor(place).astype(int), n_freqs - 2)
    matrix = np.zeros((n_freqs, n_freqs), dtype=np.float32)
    rows = np.arange(n_freqs)
    matrix[rows, low] = 1 - (place - low)
    matrix[rows, low + 1] = place - low
    return torch.from_numpy(matrix)


def _warped(f: np.ndarray, factor: float, boundary: float) -> np.ndarray:
    """Eq. 1 of the paper with frequencies as shares of half the sampling rate."""
    edge = boundary * min(factor, 1.0)
    bent = 1.0 - (1.0 - edge) / (1.0 - edge / factor) * (1.0 - f)
    return np.where(f <= edge / factor, f * factor, bent)
