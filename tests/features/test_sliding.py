"""Features block by block are those of the whole, and sliding normalisation is what it says."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from asr.features import sliding
from asr.features.features import Features
from asr.features.options import FeatureOptions
from asr.features.sliding import feature_blocks

OPTIONS = {
    "logmel": {},
    "preemphasis": {"preemphasis": 0.97},
    "global": {"normalize": "global"},
    "none": {"normalize": "none", "hop_length": 150},
    "mfcc": {"kind": "mfcc", "n_mfcc": 13},
    "spectrogram": {"kind": "spectrogram", "win_length": 240},
}


def _features(**more: object) -> Features:
    shape = {"sample_rate": 8000, "win_length": 200, "hop_length": 80, "n_fft": 256, "n_mels": 20}
    features = Features(FeatureOptions(**(shape | more)))  # type: ignore[arg-type]
    if features.options.normalize == "global":
        features.mean.fill_(-3.0)
        features.std.fill_(2.0)
    return features


def _cut(waveform: Tensor, sizes: list[int]) -> list[Tensor]:
    """The waveform in blocks of the sizes, again and again."""
    blocks, at, i = [], 0, 0
    while at < len(waveform):
        blocks.append(waveform[at : at + sizes[i % len(sizes)]])
        at, i = at + sizes[i % len(sizes)], i + 1
    return blocks


@pytest.mark.parametrize("kind", OPTIONS)
@given(st.integers(1, 20_000), st.lists(st.integers(1, 5000), min_size=1, max_size=4))
@settings(max_examples=20, deadline=None)
def test_blocks_are_the_whole(kind: str, samples: int, sizes: list[int]) -> None:
    """Of a recording shorter than the window of normalisation, too."""
    features = _features(**OPTIONS[kind])
    waveform = 0.1 * torch.randn(samples, generator=torch.Generator().manual_seed(samples))
    if min(sizes) < 100:
        sizes = [size + 100 for size in sizes]
    whole, frames = features(waveform[None], torch.tensor([samples]))
    found = torch.cat(list(feature_blocks(features, _cut(waveform, sizes))))
    assert len(found) == int(frames)
    torch.testing.assert_close(found, whole[0], atol=2e-4, rtol=1e-4)


@pytest.mark.parametrize("size", [700, 8000, 100_000])
def test_each_frame_is_normalised_by_its_neighbours(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(sliding, "NORMALIZED_OVER", 1.0)  # s, 100 frames
    waveform = torch.randn(40_000) * torch.linspace(0.001, 0.5, 40_000)
    plain = torch.cat(list(feature_blocks(_features(normalize="none"), [waveform]))).double()
    found = torch.cat(list(feature_blocks(_features(), _cut(waveform, [size]))))
    assert len(found) == len(plain) == 498
    for t in (0, 20, 49, 50, 51, 200, 447, 448, 449, 497):
        begin = min(max(t - 50, 0), 398)
        around = plain[begin : begin + 100]
        expected = (plain[t] - around.mean(0)) / (around.var(0, correction=0) + 1e-5).sqrt()
        torch.testing.assert_close(found[t], expected.float(), atol=1e-4, rtol=1e-4)


def test_silence_is_no_noise() -> None:
    found = torch.cat(list(feature_blocks(_features(), [torch.zeros(8000)] * 50)))
    assert len(found) == 4998 and found.abs().max() < 1e-3
