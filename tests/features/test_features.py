"""Features against librosa, and the law that padding has no effect whatever it holds."""

import librosa
import numpy as np
import pytest
import torch

from asr.errors import ConfigError
from asr.features.features import Features
from asr.features.options import FeatureOptions

RATE = 16000
KINDS = ["logmel", "spectrogram", "mfcc"]


def speechlike(samples: int, seed: int = 0) -> torch.Tensor:
    """Noise with a slope over time, peaks near ±0.5."""
    noise = np.random.default_rng(seed).standard_normal(samples)
    return torch.tensor(0.1 * noise * np.linspace(0.2, 1.5, samples), dtype=torch.float32)


def features_of(waveform: torch.Tensor, **options) -> torch.Tensor:
    features, lengths = Features(FeatureOptions(**options))(waveform[None], torch.tensor([len(waveform)]))
    assert features.shape[1] == lengths.item()
    return features[0]


def librosa_power(waveform: torch.Tensor, win_length: int, hop_length: int, n_fft: int) -> np.ndarray:
    # librosa centres the window in n_fft samples; this much silence in front lines the frames up
    left = (n_fft - win_length) // 2
    padded = np.pad(waveform.numpy(), (left, n_fft - win_length - left))
    stft = librosa.stft(padded, n_fft=n_fft, hop_length=hop_length, win_length=win_length, center=False)
    return np.abs(stft) ** 2


@pytest.mark.parametrize(("win", "hop", "n_fft"), [(400, 160, 512), (320, 160, 320), (400, 100, 1024)])
def test_spectrogram_is_librosas(win: int, hop: int, n_fft: int) -> None:
    waveform = speechlike(5037)
    expected = np.log(librosa_power(waveform, win, hop, n_fft) + 2.0**-24).T
    found = features_of(
        waveform, kind="spectrogram", win_length=win, hop_length=hop, n_fft=n_fft, normalize="none"
    )
    np.testing.assert_allclose(found.numpy(), expected, atol=2e-3)


@pytest.mark.parametrize(("f_min", "f_max"), [(0.0, None), (60.0, 7000.0)])
def test_logmel_and_mfcc_are_librosas(f_min: float, f_max: float | None) -> None:
    waveform = speechlike(8000)
    mel = librosa.filters.mel(sr=RATE, n_fft=512, n_mels=64, fmin=f_min, fmax=f_max)
    logmel = np.log(mel @ librosa_power(waveform, 400, 160, 512) + 2.0**-24)
    options = {"n_mels": 64, "f_min": f_min, "f_max": f_max, "normalize": "none"}
    np.testing.assert_allclose(features_of(waveform, **options).numpy(), logmel.T, atol=2e-4)
    mfcc = librosa.feature.mfcc(S=logmel, n_mfcc=20)
    found = features_of(waveform, kind="mfcc", n_mfcc=20, **options)
    np.testing.assert_allclose(found.numpy(), mfcc.T, atol=1e-3)


def test_preemphasis_is_librosas() -> None:
    waveform = speechlike(4000)
    filtered = torch.from_numpy(librosa.effects.preemphasis(waveform.numpy(), coef=0.97, zi=[0.0]).copy())
    emphasised = features_of(waveform, preemphasis=0.97, normalize="none")
    torch.testing.assert_close(emphasised, features_of(filtered, normalize="none"), atol=1e-4, rtol=1e-4)


def test_utterance_normalisation_gives_mean_0_and_variance_1() -> None:
    lengths = torch.tensor([16000, 9000])
    features, frames = Features(FeatureOptions())(
        torch.stack([speechlike(16000), speechlike(16000, 1)]), lengths
    )
    for b in range(2):
        valid = features[b, : frames[b]]
        torch.testing.assert_close(valid.mean(0), torch.zeros(80), atol=1e-4, rtol=0)
        torch.testing.assert_close(valid.var(0, unbiased=False), torch.ones(80), atol=1e-3, rtol=0)


@pytest.mark.parametrize("garbage", [1e4, float("nan"), float("inf")])
@pytest.mark.parametrize("normalize", ["utterance", "global", "none"])
@pytest.mark.parametrize("kind", KINDS)
def test_padding_has_no_effect(kind: str, normalize: str, garbage: float) -> None:
    module = Features(FeatureOptions(kind=kind, normalize=normalize))
    lengths = torch.tensor([8000, 5111, 100, 399])
    batch = torch.full((4, 9000), garbage)
    for b, length in enumerate(lengths.tolist()):
        batch[b, :length] = speechlike(length, b)
    features, frames = module(batch, lengths)
    assert frames.dtype == torch.int64 and frames.tolist() == [48, 30, 1, 1]
    for b, length in enumerate(lengths.tolist()):
        alone, _ = module(speechlike(length, b)[None], lengths[b : b + 1])
        torch.testing.assert_close(features[b, : frames[b]], alone[0], atol=1e-4, rtol=1e-5)
        assert (features[b, frames[b] :] == 0).all()


def test_autocast_changes_nothing() -> None:
    module, waveform, length = Features(FeatureOptions()), speechlike(4000)[None], torch.tensor([4000])
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mixed, _ = module(waveform, length)
    assert mixed.dtype == torch.float32
    torch.testing.assert_close(mixed, module(waveform, length)[0], atol=0, rtol=0)


def test_silence_is_finite() -> None:
    assert torch.isfinite(features_of(torch.zeros(3000))).all()


def test_global_normalisation_is_fitted_over_valid_frames_and_kept() -> None:
    module = Features(FeatureOptions(normalize="global"))
    batches = []
    for seed in range(3):
        waveforms = torch.stack([speechlike(8000, seed), speechlike(8000, seed + 9)])
        waveforms[1, 4000:] = float("nan")
        batches.append((waveforms, torch.tensor([8000, 4000])))
    module.fit_global(batches)
    valid = torch.cat([f[b, : n[b]] for w, s in batches for f, n in [module(w, s)] for b in range(2)])
    torch.testing.assert_close(valid.mean(0), torch.zeros(80), atol=1e-4, rtol=0)
    torch.testing.assert_close(valid.std(0, unbiased=False), torch.ones(80), atol=1e-3, rtol=0)
    copy = Features(FeatureOptions(normalize="global"))
    copy.load_state_dict(module.state_dict())
    torch.testing.assert_close(copy(*batches[0])[0], module(*batches[0])[0], atol=0, rtol=0)


def test_state_holds_nothing_but_what_was_fitted() -> None:
    assert not Features(FeatureOptions()).state_dict()
    assert set(Features(FeatureOptions(normalize="global")).state_dict()) == {"mean", "std"}


def test_fitting_what_is_not_global_is_an_error() -> None:
    with pytest.raises(ConfigError, match="expected 'global'"):
        Features(FeatureOptions()).fit_global([])
    with pytest.raises(ConfigError, match="no waveforms"):
        Features(FeatureOptions(normalize="global")).fit_global([])


def test_options_that_cannot_work_are_refused() -> None:
    for wrong in ({"n_fft": 256}, {"f_max": 9000.0}, {"f_min": 8000.0}, {"kind": "mfcc", "n_mfcc": 90}):
        with pytest.raises(ValueError, match="expected"):
            FeatureOptions(**wrong)
    with pytest.raises(ConfigError, match="mel filters fall between the bins"):
        Features(FeatureOptions(n_mels=200))


@pytest.mark.parametrize("kind", KINDS)
def test_num_features(kind: str) -> None:
    module = Features(FeatureOptions(kind=kind))
    assert module(torch.zeros(1, 4000), torch.tensor([4000]))[0].shape[2] == module.num_features
