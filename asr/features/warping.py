"""Features bent along frequency and time: smooth random warps, as if other speakers had other formants and rhythms.

Vocal tract length factors (asr/features/vtlp.py) scale the whole frequency axis, `perturb.speed` the whole utterance;
here every region moves for itself, so that the first formant may rise while the second falls, and one sound may
be long while its neighbour is short. Length, and so what fits into an utterance, stays as it is.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

_FREQ_KNOTS = 6  # places along the frequency axis that move independently: about one a formant, and one between two
_TIME_STEP = 25  # frames from one knot of the pace to the next: about a syllable


def warp_features(
    features: Tensor, lengths: Tensor, rngs: Sequence[np.random.Generator], freq_warp: float, time_warp: float
) -> Tensor:
    """Features (B, T, F) with lengths (B,) and one generator each → the same shape, each utterance warped its own way.

    Places along the frequency axis move by up to `freq_warp` features; the pace drifts between exp(−time_warp) and
    exp(time_warp), scaled so that the length is kept. 0 draws nothing and changes nothing. Both interpolate linearly
    between neighbours. Valid frames are made of valid frames alone, and zeros beyond the lengths stay zeros.
    """
    frames, bins = features.shape[1:]
    if freq_warp:
        places = torch.from_numpy(np.stack([_bent_axis(bins, freq_warp, rng) for rng in rngs]))
        features = _at(features.transpose(1, 2), places.to(features.device)).transpose(1, 2)  # (B, T, F) → (B, F, T)
    if time_warp:
        times = np.tile(np.arange(frames, dtype=np.float32), (len(rngs), 1))
        for row, length, rng in zip(times, lengths.tolist(), rngs, strict=True):
            row[:length] = _uneven_pace(length, time_warp, rng)
        features = _at(features, torch.from_numpy(times).to(features.device))
    return features


def _bent_axis(bins: int, most: float, rng: np.random.Generator) -> np.ndarray:
    """(F,) float32: where each feature is read, never decreasing, within [0, F − 1]."""
    knots = np.linspace(0, bins - 1, _FREQ_KNOTS)
    axis = np.arange(bins)
    places = axis + np.interp(axis, knots, rng.uniform(-most, most, _FREQ_KNOTS))
    return np.maximum.accumulate(places.clip(0, bins - 1)).astype(np.float32)


def _uneven_pace(frames: int, most: float, rng: np.random.Generator) -> np.ndarray:
    """(T,) float32: when each frame is read, never decreasing, from 0 to T − 1."""
    count = max(2, frames // _TIME_STEP)
    knots = np.linspace(0, frames - 1, count)
    pace = np.exp(np.interp(np.arange(frames), knots, rng.uniform(-most, most, count)))
    times = np.cumsum(pace) - pace[0]
    return (times * ((frames - 1) / max(times[-1], 1e-9))).clip(0, frames - 1).astype(np.float32)


def _at(x: Tensor, places: Tensor) -> Tensor:
    """(B, N, D) read at fractional places (B, M) of the second dimension: (B, M, D)."""
    low = places.floor().long()
    high = (low + 1).clamp(max=x.shape[1] - 1)
    share = (places - low).to(x.dtype)[:, :, None]
    wide = (*places.shape, x.shape[2])
    below, above = (x.gather(1, i[:, :, None].expand(wide)) for i in (low, high))
    return torch.where(share == 0, below, below + share * (above - below))  # 0 · NaN of padding is not 0
