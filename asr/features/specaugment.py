"""SpecAugment (Park et al. 2019) without time warping: stretches of frames and bands of features set to 0."""

from collections.abc import Sequence

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from asr.features.framing import frame_mask
from asr.features.vtlp import LARGEST_WARP
from asr.options import Options


class SpecAugmentOptions(Options):
    """How many masks and how wide at most; no masks, no augmentation."""

    time_masks: int = Field(0, ge=0)
    time_width: int = Field(40, ge=0)  # frames
    time_share: float = Field(0.2, ge=0, le=1)  # of an utterance that one time mask may cover at most
    freq_masks: int = Field(0, ge=0)
    freq_width: int = Field(15, ge=0)  # features


class AugmentOptions(SpecAugmentOptions):
    """What training does to features: SpecAugment, vocal tract length factors in [1 − vtlp, 1 + vtlp], uneven warps."""

    vtlp: float = Field(0.0, ge=0, le=LARGEST_WARP)
    freq_warp: float = Field(0.0, ge=0)  # features that places along the frequency axis move by at most
    time_warp: float = Field(0.0, ge=0, le=1)  # natural logarithm of how much faster or slower a stretch becomes


def draw_warps(options: AugmentOptions, rngs: Sequence[np.random.Generator]) -> Tensor | None:
    """One vocal tract length factor per utterance (B,) float32, uniform in 1 ± vtlp; None when that is 0."""
    if options.vtlp == 0:
        return None
    return torch.tensor([1 + rng.uniform(-options.vtlp, options.vtlp) for rng in rngs], dtype=torch.float32)


class SpecAugment:
    """Masks over time and features, drawn per utterance from its own generator and filled with 0.

    0 is the mean of normalised features. Masks lie within the valid frames, so an utterance is masked alike
    in every batch.
    """

    def __init__(self, options: SpecAugmentOptions) -> None:
        self.options = options

    def __call__(self, features: Tensor, lengths: Tensor, rngs: Sequence[np.random.Generator]) -> Tensor:
        """Features (B, T, F) with lengths (B,) and one generator each → masked features (B, T, F)."""
        o = self.options
        if not (o.time_masks or o.freq_masks):
            return features
        # (B, masks, 2) numbers in [0, 1): how wide, and where
        draws = np.stack([rng.random((o.time_masks + o.freq_masks, 2), dtype=np.float32) for rng in rngs])
        draw = torch.from_numpy(draws).to(features.device)
        time, freq = draw[:, : o.time_masks], draw[:, o.time_masks :]
        widest = (lengths * o.time_share).clamp(max=o.time_width).floor()
        masked = _masks(time, lengths, widest, features.shape[1])[:, :, None]
        bands = torch.full_like(lengths, features.shape[2])
        masked = masked | _masks(freq, bands, bands.clamp(max=o.freq_width), features.shape[2])[:, None, :]
        return features.masked_fill(masked, 0.0)


def _masks(draw: Tensor, lengths: Tensor, widest: Tensor, positions: int) -> Tensor:
    """(B, M, 2) draws → (B, positions) bool: M masks of 0 … widest positions within the lengths."""
    lengths, widest = lengths[:, None], widest[:, None].long()
    width = torch.minimum((draw[..., 0] * (widest + 1)).long(), widest)
    start = torch.minimum((draw[..., 1] * (lengths - width + 1)).long(), lengths - width)
    shape = (draw.shape[0] * draw.shape[1],)
    ends = frame_mask((start + width).reshape(shape), positions)
    starts = frame_mask(start.reshape(shape), positions)
    return (ends & ~starts).reshape(*draw.shape[:2], positions).any(1)
