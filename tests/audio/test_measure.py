"""Measures against signals whose level, noise, offset, clipping, pauses and band are known by construction."""

import json
import tracemalloc
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr.audio.io import read_audio
from asr.audio.measure import Measures, measures_of, signal_to_noise
from asr.audio.resample import resample

RATE = 16000
FIGURES = ("peak", "level", "noise_ratio", "offset", "clipped", "piled", "lead", "trail", "silent", "bandwidth")


def of(waveform: np.ndarray, rate: int = RATE) -> Measures:
    (found,) = measures_of([waveform.astype(np.float32)], rate, [(0.0, len(waveform) / rate)]).values()
    return found


def noise(seconds: float, rate: int = RATE, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(round(seconds * rate))


def speech(pattern: Sequence[tuple[float, float]], rate: int = RATE) -> np.ndarray:
    """Noise of one standard deviation after the other, (seconds, deviation)."""
    return np.concatenate([level * noise(s, rate, i) for i, (s, level) in enumerate(pattern)])


def test_level_and_peak() -> None:
    found = of(0.1 * np.sqrt(2) * np.sin(2 * np.pi * 500 * np.arange(RATE) / RATE))
    assert found.level == pytest.approx(-20.0, abs=0.05) and found.peak == pytest.approx(0.1414, abs=1e-3)


@pytest.mark.parametrize("ratio", [5.0, 10.0, 20.0, 40.0])
def test_noise_ratio_of_speech_with_pauses(ratio: float) -> None:
    clean = speech([(0.5, 0), (1.0, 0.1), (0.5, 0), (1.0, 0.1)])
    hiss = noise(3, seed=9) * clean.std() * 10 ** (-ratio / 20)
    assert of(clean + hiss).noise_ratio == pytest.approx(ratio, abs=1)
    assert of(clean + hiss + 0.2).noise_ratio == pytest.approx(ratio, abs=1), "hum at 0 Hz is no noise"
    zeros = np.zeros(2 * RATE)
    assert of(np.r_[zeros, clean + hiss, zeros]).noise_ratio == pytest.approx(ratio, abs=1), "nor is digital zero"


def test_noise_ratio_ends_at_0_and_90() -> None:
    assert signal_to_noise(np.ones(50)) == signal_to_noise(np.zeros(50)) == signal_to_noise(np.zeros(0)) == 0
    assert of(noise(3)).noise_ratio < 1
    assert signal_to_noise(np.r_[np.full(10, 1.01e-10), np.ones(40)]) == 90


@pytest.mark.parametrize("corpus", ["librispeech_19_26", "speechocean_adult32"])
def test_noise_over_real_speech(shared_data: Path, corpus: str) -> None:
    lines = (shared_data / corpus / "manifest.jsonl").read_text().splitlines()[::40]
    for line in lines:
        wave, rate = read_audio(shared_data / corpus / json.loads(line)["audio"])
        for ratio in (20, 10, 5, 0):
            hiss = noise(len(wave) / rate, rate) * wave.std() * 10 ** (-ratio / 20)
            assert of(wave + hiss, rate).noise_ratio == pytest.approx(ratio, abs=3), line


def test_offset() -> None:
    assert of(0.05 * noise(3) - 0.02).offset == pytest.approx(-0.02, abs=1e-3)


@pytest.mark.parametrize("height", [0.2, 0.7, 1.0])
def test_clipping_is_the_share_of_flat_tops(height: float) -> None:
    tone = 0.8 * np.sin(2 * np.pi * 150 * np.arange(2 * RATE) / RATE)
    found = of(np.clip(tone, -0.8 * height, 0.8 * height))
    cut = np.mean(np.abs(tone) >= 0.8 * height) if height < 1 else 0.0
    edges = 4 * 150 / RATE  # two samples a half wave have one equal neighbour only
    assert found.clipped == pytest.approx(max(0, cut - edges), abs=0.01)


@pytest.mark.parametrize("sign", [1, -1])
def test_clipping_of_one_side(sign: int) -> None:
    """An amplifier with an offset cuts one side only, and the other may be larger."""
    tone = sign * np.sin(2 * np.pi * 150 * np.arange(2 * RATE) / RATE)
    assert of(np.minimum(tone, 0.5)).clipped > 0.2 and of(np.maximum(tone, -0.5)).clipped > 0.2


def blurred(wave: np.ndarray) -> dict[str, np.ndarray]:
    """What was cut and changed since: resampled, dithered."""
    high = resample(wave.astype(np.float32), RATE, 44100)
    dither = np.random.default_rng(1).uniform(-2, 2, len(wave)) / 32768
    return {"resampled": resample(np.clip(high, -0.1, 0.1), 44100, RATE), "dithered": np.clip(wave, -0.1, 0.1) + dither}


def test_clipping_that_was_blurred_piles_up() -> None:
    time = np.arange(3 * RATE)
    wave = 0.3 * np.sin(2 * np.pi * 200 * time / RATE) * np.sin(time / 3000)
    assert of(wave).piled < 6 and of(np.rint(wave * 128) / 128).piled < 9
    for change, cut in blurred(wave).items():
        assert of(cut).clipped == 0 and of(cut).piled > 20, change
    assert of(np.zeros(RATE)).piled == 0


@pytest.mark.parametrize("corpus", ["fsdd_digits", "commonvoice_de", "speechocean_adult32"])
def test_real_recordings_do_not_pile_up(shared_data: Path, corpus: str) -> None:
    """As they are (digits of nicolas are in 8 bits) and in µ-law."""
    for line in (shared_data / corpus / "manifest.jsonl").read_text().splitlines()[::10]:
        wave, rate = read_audio(shared_data / corpus / json.loads(line)["audio"])
        steps = np.rint(127 * np.log1p(255 * np.abs(wave)) / np.log(256))
        for form in (wave, np.sign(wave) * (256 ** (steps / 127) - 1) / 255):
            found = of(form, rate)
            assert found.piled < 9.5 and found.clipped < 3e-4, line


def test_quiet_stretches_and_coarse_bits_are_not_clipping() -> None:
    assert of(np.r_[np.zeros(RATE), 0.3 * noise(1), np.zeros(RATE)]).clipped == 0
    assert of(np.zeros(RATE)).clipped == 0
    coarse = np.rint(0.1 * noise(3) * 128) / 128  # 8 bits
    assert of(coarse).clipped < 1e-4


def test_silence_at_the_ends_and_within() -> None:
    found = of(speech([(0.8, 1e-4), (1.0, 0.1), (0.6, 1e-4), (1.0, 0.1), (0.4, 1e-4)]))
    assert found.lead == pytest.approx(0.8, abs=0.03) and found.trail == pytest.approx(0.4, abs=0.03)
    assert found.silent == pytest.approx(1.8 / 3.8, abs=0.02)
    assert of(np.zeros(RATE)).silent == 1 and of(np.zeros(RATE)).lead == pytest.approx(1, abs=0.02)


def test_quiet_speech_is_no_silence() -> None:
    found = of(speech([(1.0, 0.1), (1.0, 0.1 * 10 ** (-25 / 20)), (1.0, 1e-5)]))
    assert found.silent == pytest.approx(1 / 3, abs=0.02)


@pytest.mark.parametrize(("rate", "recorded"), [(16000, 8000), (48000, 16000), (44100, 22050), (16000, 16000)])
def test_bandwidth_is_that_of_the_recording(rate: int, recorded: int) -> None:
    white = (0.1 * noise(3, recorded)).astype(np.float32)
    wave = resample(white, recorded, rate)
    assert 0.8 < of(wave, rate).bandwidth / (recorded / 2) < 1.15


@given(cuts=st.lists(st.integers(0, 20_000), max_size=5), rate=st.sampled_from([8000, 11025, 16000]))
def test_blocks_do_not_show(cuts: list[int], rate: int) -> None:
    wave = (0.1 * noise(20_000 / rate, rate, 3)).astype(np.float32)
    stretches = [(0.0, len(wave) / rate), (0.3, 0.7), (0.9, 0.1)]
    whole, parts = measures_of([wave], rate, stretches), measures_of(np.split(wave, sorted(cuts)), rate, stretches)
    for stretch in stretches:
        for name in FIGURES:
            assert getattr(whole[stretch], name) == pytest.approx(getattr(parts[stretch], name), rel=1e-4, abs=1e-6)
        assert (whole[stretch].codes == parts[stretch].codes).all()


def test_a_stretch_is_measured_as_if_it_were_cut_out() -> None:
    wave = speech([(2.0, 0.3), (1.0, 1e-4), (2.0, 0.01), (1.0, 1e-4)]).astype(np.float32)
    cut, stretch = of(wave[2 * RATE : 6 * RATE]), measures_of([wave], RATE, [(2.0, 4.0)])[2.0, 4.0]
    for name in ("peak", "level", "noise_ratio", "lead", "trail", "silent"):
        assert getattr(cut, name) == pytest.approx(getattr(stretch, name), rel=1e-3), name
    assert (cut.codes == stretch.codes).mean() > 0.99


@pytest.mark.parametrize("samples", [1, 5, 255, 256, 257, 700])
def test_recordings_of_a_few_samples(samples: int) -> None:
    found = of(np.full(samples, 0.5))
    assert found.peak == 0.5 and len(found.codes) == 0
    beyond = measures_of([np.full(samples, 0.5, np.float32)], RATE, [(99.0, 1.0)])[99.0, 1.0]
    assert beyond.peak == 0.5 and beyond.silent in (0, 1)


def test_an_hour_of_stretches_needs_little_memory() -> None:
    block = (0.1 * noise(60)).astype(np.float32)
    stretches = [(float(start), 10.0) for start in range(0, 3600, 10)]
    tracemalloc.start()
    found = measures_of((block for _ in range(60)), RATE, stretches)
    peak = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    assert list(found) == stretches and peak < 40, f"{peak:.0f} MB"
