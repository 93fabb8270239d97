"""Perturbation: each change measured on its result, all of it a function of the generator."""

from pathlib import Path

import numpy as np
import pytest

from asr.audio.io import write_wav
from asr.audio.perturb import Perturbation, PerturbOptions, add_noise, change_speed, reverberate
from asr.errors import ConfigError

RATE = 16000


def noise(samples: int, seed: int = 0) -> np.ndarray:
    return (0.1 * np.random.default_rng(seed).standard_normal(samples)).astype(np.float32)


def perturbed(options: PerturbOptions, waveform: np.ndarray, seed: int) -> np.ndarray:
    return Perturbation(options, RATE)(waveform, np.random.default_rng(seed))


def decibels(signal: np.ndarray, other: np.ndarray) -> float:
    return float(10 * np.log10(np.mean(signal**2.0) / np.mean(other**2.0)))


@pytest.fixture(scope="module")
def noises(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("noise")
    write_wav(folder / "short.wav", noise(3000, 1), RATE)
    write_wav(folder / "deep" / "long.wav", noise(3 * RATE, 2), RATE)
    return folder


def test_off_by_default() -> None:
    waveform = noise(500)
    assert perturbed(PerturbOptions(), waveform, 0) is waveform


@pytest.mark.parametrize("factor", [0.9, 1.1, 1.25])
def test_speed_moves_length_and_pitch(factor: float) -> None:
    tone = np.sin(2 * np.pi * 1000 * np.arange(RATE) / RATE).astype(np.float32)
    fast = change_speed(tone, factor)
    assert fast.dtype == np.float32 and abs(len(fast) - RATE / factor) <= 1
    spectrum = np.abs(np.fft.rfft(fast * np.hanning(len(fast))))
    assert spectrum.argmax() * RATE / len(fast) == pytest.approx(1000 * factor, abs=2)
    assert change_speed(tone, 1.0) is tone


def test_speed_draws_every_factor_and_bounds_the_length() -> None:
    options = PerturbOptions(speed=[0.8, 1.0, 1.2])
    lengths = {len(perturbed(options, noise(2400), seed)) for seed in range(30)}
    assert lengths == {3000, 2400, 2000}


def test_speed_alone_tells_the_length() -> None:
    perturbation = Perturbation(PerturbOptions(speed=[0.8, 1.2], white_noise_probability=1.0), RATE)
    for seed in range(10):
        factor = perturbation.speed(np.random.default_rng(seed))
        assert len(perturbation(noise(2400), np.random.default_rng(seed))) == round(2400 / factor)
    assert Perturbation(PerturbOptions(), RATE).speed(np.random.default_rng(0)) == 1.0


def test_active_says_whether_anything_changes() -> None:
    assert not Perturbation(PerturbOptions(), RATE).active
    for some in ({"speed": [0.9]}, {"gain_db": (-3, 3)}, {"white_noise_probability": 0.1}):
        assert Perturbation(PerturbOptions(**some), RATE).active


def test_gain_is_within_its_range() -> None:
    gains = [
        decibels(perturbed(PerturbOptions(gain_db=(-6, 3)), noise(400), s), noise(400)) for s in range(60)
    ]
    assert -6.001 <= min(gains) < -5 and 2 < max(gains) <= 3.001


def test_white_noise_meets_its_snr_and_probability() -> None:
    waveform = noise(4000)
    options = PerturbOptions(white_noise_probability=0.5, white_noise_snr_db=(10.0, 20.0))
    added = [perturbed(options, waveform, seed) - waveform for seed in range(200)]
    ratios = [decibels(waveform, a) for a in added if a.any()]
    assert 70 < len(ratios) < 130
    assert 9.9 <= min(ratios) < 11 and 19 < max(ratios) <= 20.1


@pytest.mark.parametrize("samples", [800, 8000, 5 * RATE])
def test_noise_from_a_folder_meets_its_snr(noises: Path, samples: int) -> None:
    waveform = noise(samples, 5)
    options = PerturbOptions(noise=noises, noise_snr_db=(6.0, 6.0), noise_probability=1.0)
    results = [perturbed(options, waveform, seed) for seed in range(8)]
    for result in results:
        assert result.dtype == np.float32 and decibels(waveform, result - waveform) == pytest.approx(
            6, abs=0.05
        )
    assert len({result.tobytes() for result in results}) == 8


def test_silence_takes_no_noise() -> None:
    assert not add_noise(np.zeros(50, np.float32), noise(50), 10.0).any()
    waveform = noise(50)
    assert add_noise(waveform, np.zeros(50, np.float32), 10.0) is waveform


def test_reverberation_is_convolution_in_place() -> None:
    waveform = noise(700)
    response = np.zeros(90, dtype=np.float32)
    response[[20, 50, 80]] = [1.0, 0.5, -0.25]
    expected = np.convolve(waveform, response)[20:720]
    expected *= np.sqrt(np.mean(waveform**2) / np.mean(expected**2))
    found = reverberate(waveform, response)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=1e-5)
    np.testing.assert_allclose(reverberate(waveform, np.array([0, 0.3], np.float32)), waveform, atol=1e-5)


def test_rooms_from_a_folder_come_before_noise(tmp_path: Path) -> None:
    response = np.zeros(100, dtype=np.float32)
    response[[0, 60]] = [0.9, 0.6]
    write_wav(tmp_path / "room.wav", response, RATE)
    waveform = noise(2000)
    wet = perturbed(PerturbOptions(rir=tmp_path, rir_probability=1.0), waveform, 0)
    np.testing.assert_allclose(wet, reverberate(waveform, response), atol=1e-4)
    both = PerturbOptions(
        rir=tmp_path, rir_probability=1.0, white_noise_probability=1.0, white_noise_snr_db=(20, 20)
    )
    assert decibels(wet, perturbed(both, waveform, 0) - wet) == pytest.approx(20, abs=0.1)


def test_everything_together_depends_on_the_generator_alone(noises: Path) -> None:
    options = PerturbOptions(
        speed=[0.9, 1.1], gain_db=(-3, 3), noise=noises, rir=noises, white_noise_probability=0.5
    )
    shared, waveform = Perturbation(options, RATE), noise(6000, 9)
    for seed in range(6):
        once = shared(waveform, np.random.default_rng(seed))
        assert np.array_equal(once, perturbed(options, waveform, seed))
    np.testing.assert_array_equal(waveform, noise(6000, 9))  # the input is left alone


def test_options_that_cannot_work_are_refused(tmp_path: Path) -> None:
    for wrong in ({"speed": [0.0]}, {"gain_db": (3.0, -3.0)}, {"noise_snr_db": [9, 1]}):
        with pytest.raises(ValueError, match="expected"):
            PerturbOptions(**wrong)
    with pytest.raises(ConfigError, match=r"perturb\.noise: no recordings in"):
        Perturbation(PerturbOptions(noise=tmp_path), RATE)
    (tmp_path / "noise.oga").touch()
    assert Perturbation(PerturbOptions(noise=tmp_path), RATE).active
    assert PerturbOptions(gain_db=[-6, 3]).gain_db == (-6.0, 3.0)  # as YAML gives it
