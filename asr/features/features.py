"""Waveforms to features: one module for training, transcription and export, on the model's device.

Power spectrum of uncentred Hann frames → mel filters or none → natural logarithm → DCT or none → normalised.
Always float32, whatever autocast says: the logarithm of a power in bfloat16 has two digits.
"""

import warnings
from collections.abc import Iterable

import torch
import torchaudio.functional as audio
from torch import Tensor, nn

from asr.errors import ConfigError
from asr.features.framing import frame, frame_mask, num_frames
from asr.features.options import FeatureOptions
from asr.features.vtlp import warp_indices, warped_filters

_FLOOR = 2.0**-24  # added before the logarithm: above the rounding noise of 16 bits, so digital silence is no outlier
SMALLEST_VARIANCE = 1e-5


class Features(nn.Module):
    """Log-mel, linear log-spectrogram or MFCC features of padded waveforms.

    Normalisation `utterance` gives each feature mean 0 and variance 1 over the valid frames of an utterance;
    `global` uses the mean and deviation that `fit_global` measured, kept in the state dict.
    """

    window: Tensor
    filters: Tensor
    mean: Tensor
    std: Tensor
    dct: Tensor | None
    _warped: Tensor | None

    def __init__(self, options: FeatureOptions) -> None:
        super().__init__()
        self.options = options
        self.register_buffer("window", torch.hann_window(options.win_length), persistent=False)
        self.register_buffer("filters", _filters(options), persistent=False)
        dct = audio.create_dct(options.n_mfcc, options.n_mels, norm="ortho") if options.kind == "mfcc" else None
        self.register_buffer("dct", dct, persistent=False)
        self.register_buffer("_warped", None, persistent=False)
        if options.normalize == "global":
            self.register_buffer("mean", torch.zeros(self.num_features))
            self.register_buffer("std", torch.ones(self.num_features))

    @property
    def num_features(self) -> int:
        """F, the features of one frame."""
        o = self.options
        return {"logmel": o.n_mels, "mfcc": o.n_mfcc, "spectrogram": o.n_fft // 2 + 1}[o.kind]

    @property
    def hop_length(self) -> int:
        """Samples from the start of one frame to the next."""
        return self.options.hop_length

    def output_lengths(self, lengths: Tensor) -> Tensor:
        """(B,) samples → (B,) frames, exact integers, at least one."""
        return num_frames(lengths, self.options.win_length, self.options.hop_length)

    def forward(self, waveforms: Tensor, lengths: Tensor, warps: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Waveforms (B, S) in [-1, 1], lengths (B,) int64 → features (B, T, F) float32, frames (B,).

        Frames beyond an utterance are exactly 0, and what the padding of `waveforms` holds has no effect.
        `warps` (B,) are vocal tract length factors around 1 (training only); 1 changes nothing.
        """
        with torch.autocast(waveforms.device.type, enabled=False):
            features, frames = self.unnormalized(waveforms, lengths, warps)
            return self.normalized(features, frames), frames

    @torch.no_grad()
    def fit_global(self, batches: Iterable[tuple[Tensor, Tensor]]) -> None:
        """Measure `mean` and `std` (F,) over the valid frames of batches of (waveforms, lengths)."""
        if self.options.normalize != "global":
            raise ConfigError(f"features.normalize: is {self.options.normalize!r}; expected 'global' to fit; change it")
        count = 0
        total, squares = torch.zeros(2, self.num_features, dtype=torch.float64)
        device = self.window.device
        for waveforms, lengths in batches:
            features, frames = self.unnormalized(waveforms.to(device), lengths.to(device), None)
            valid = features[frame_mask(frames, features.shape[1])].cpu().double()
            count += len(valid)
            total += valid.sum(0)
            squares += valid.square().sum(0)
        if count == 0:
            raise ConfigError("features.normalize: no waveforms to fit 'global' on; expected some; use 'utterance'")
        mean = total / count
        self.mean.copy_(mean)
        self.std.copy_((squares / count - mean.square()).clamp(min=SMALLEST_VARIANCE).sqrt())

    def unnormalized(
        self, waveforms: Tensor, lengths: Tensor, warps: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """`forward` before normalisation; frames beyond an utterance hold anything."""
        waveforms = waveforms.float().masked_fill(~frame_mask(lengths, waveforms.shape[1]), 0.0)
        if self.options.preemphasis:
            waveforms = torch.cat(
                [waveforms[:, :1], waveforms[:, 1:] - self.options.preemphasis * waveforms[:, :-1]], dim=1
            )
        frames = frame(waveforms, self.options.win_length, self.options.hop_length) * self.window.float()
        spectrum = torch.fft.rfft(frames, n=self.options.n_fft)
        features = (self._filtered(spectrum.real.square() + spectrum.imag.square(), warps) + _FLOOR).log()
        if self.dct is not None:
            features = features @ self.dct.float()
        return features, self.output_lengths(lengths)

    def _filtered(self, power: Tensor, warps: Tensor | None) -> Tensor:
        """(B, T, n_freqs) → (B, T, K) through the filters of each utterance's warp factor."""
        plain = power if self.options.kind == "spectrogram" else power @ self.filters.float()
        if warps is None:
            return plain
        if self._warped is None:  # inference never pays for it
            self._warped = warped_filters(self.filters.float().cpu(), self.options.sample_rate).to(power.device)
        warps = warps.to(power.device)
        warped = power @ self._warped.float()[warp_indices(warps)]
        # the products of a batch are summed in another order: factor 1 must be no warp, bit for bit
        return torch.where((warps == 1)[:, None, None], plain, warped)

    def normalized(self, features: Tensor, frames: Tensor) -> Tensor:
        """What `unnormalized` gave (B, T, F), (B,) as `forward` returns it."""
        valid = frame_mask(frames, features.shape[1])[:, :, None]
        return self._normalized(features, frames, valid).masked_fill(~valid, 0.0)

    def _normalized(self, features: Tensor, frames: Tensor, valid: Tensor) -> Tensor:
        if self.options.normalize == "none":
            return features
        if self.options.normalize == "global":
            return (features - self.mean.float()) / self.std.float()
        count = frames.clamp(min=1)[:, None, None]
        mean = features.masked_fill(~valid, 0.0).sum(1, keepdim=True) / count
        centred = (features - mean).masked_fill(~valid, 0.0)
        return centred * (centred.square().sum(1, keepdim=True) / count + SMALLEST_VARIANCE).rsqrt()


def _filters(options: FeatureOptions) -> Tensor:
    """(n_freqs, K): triangles on the Slaney mel scale, each of unit area; the identity for a spectrogram."""
    n_freqs = options.n_fft // 2 + 1
    if options.kind == "spectrogram":
        return torch.eye(n_freqs)
    filters = _mel(n_freqs, options)
    empty = int((filters.amax(0) == 0).sum())
    if empty:
        raise ConfigError(
            f"features.n_mels: {empty} of {options.n_mels} mel filters fall between the bins of n_fft "
            f"{options.n_fft}; expected none empty; lower n_mels or raise n_fft"
        )
    return filters


def _mel(n_freqs: int, options: FeatureOptions) -> Tensor:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torchaudio warns of the empty filters that are an error here
        return audio.melscale_fbanks(
            n_freqs,
            options.f_min,
            options.highest,
            options.n_mels,
            options.sample_rate,
            norm="slaney",
            mel_scale="slaney",
        )
