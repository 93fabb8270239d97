"""Waveforms as if recorded otherwise: another pace, room, background and level.

All is drawn from the generator handed in, so an utterance sounds the same whichever worker prepares it.
"""

from functools import lru_cache
from pathlib import Path

import numpy as np
from pydantic import Field, field_validator, model_validator

from asr.audio.io import SUFFIXES, probe, read_audio
from asr.audio.resample import resample
from asr.errors import ConfigError
from asr.options import Options, PathOption

_SILENCE = 1e-8  # mean square; no level can be set against less


class PerturbOptions(Options):
    """Each change is off by default. Ranges are [low, high] in dB; a probability is a share of utterances."""

    # factors, one drawn per utterance, e.g. [0.9, 1.0, 1.1]; pitch moves with the pace
    speed: list[float] = Field(default_factory=list)
    gain_db: tuple[float, float] | None = Field(None, strict=False)
    noise: PathOption | None = None  # folder of recordings
    noise_snr_db: tuple[float, float] = Field((5.0, 30.0), strict=False)
    noise_probability: float = Field(0.5, ge=0, le=1)
    rir: PathOption | None = None  # folder of room impulse responses
    rir_probability: float = Field(0.5, ge=0, le=1)
    white_noise_snr_db: tuple[float, float] = Field((10.0, 40.0), strict=False)
    white_noise_probability: float = Field(0.0, ge=0, le=1)

    @field_validator("speed")
    @classmethod
    def _sane_speed(cls, speed: list[float]) -> list[float]:
        for factor in speed:
            if not 0.5 <= factor <= 2:
                raise ValueError(f"speed is {factor:g}; expected factors from 0.5 to 2; try [0.9, 1.0, 1.1]")
        return speed

    @model_validator(mode="after")
    def _ordered(self) -> "PerturbOptions":
        for name in ("gain_db", "noise_snr_db", "white_noise_snr_db"):
            pair = getattr(self, name)
            if pair is not None and pair[0] > pair[1]:
                raise ValueError(f"{name} is [{pair[0]:g}, {pair[1]:g}]; expected [low, high]; swap them")
        return self


class Perturbation:
    """Speed, then room, then noise, then gain, as far as the options ask for them.

    Raises ConfigError when a folder of noise or impulse responses holds no recording.
    """

    def __init__(self, options: PerturbOptions, sample_rate: int) -> None:
        self.options = options
        self.sample_rate = sample_rate
        self._noises = _recordings(options.noise, "noise")
        self._rirs = _recordings(options.rir, "rir")

    @property
    def active(self) -> bool:
        """Whether anything is ever changed."""
        o = self.options
        return bool(o.speed or self._noises or self._rirs or o.white_noise_probability or o.gain_db)

    def speed(self, rng: np.random.Generator) -> float:
        """The speed factor, the first thing drawn: who needs only the length draws just this."""
        speeds = self.options.speed
        return float(speeds[rng.integers(len(speeds))]) if speeds else 1.0

    def __call__(self, waveform: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Waveform (S,) float32 → (S',) float32, a function of the waveform and the state of `rng` alone."""
        o = self.options
        waveform = change_speed(waveform, self.speed(rng))
        if self._rirs and rng.random() < o.rir_probability:
            waveform = reverberate(waveform, self._impulse_response(rng))
        if self._noises and rng.random() < o.noise_probability:
            waveform = add_noise(waveform, self._noise(len(waveform), rng), rng.uniform(*o.noise_snr_db))
        if o.white_noise_probability and rng.random() < o.white_noise_probability:
            noise = rng.standard_normal(len(waveform), dtype=np.float32)
            waveform = add_noise(waveform, noise, rng.uniform(*o.white_noise_snr_db))
        if o.gain_db is not None:
            waveform = waveform * np.float32(10 ** (rng.uniform(*o.gain_db) / 20))
        return waveform

    def _impulse_response(self, rng: np.random.Generator) -> np.ndarray:
        return _whole(self._rirs[rng.integers(len(self._rirs))], self.sample_rate)

    def _noise(self, samples: int, rng: np.random.Generator) -> np.ndarray:
        """A stretch of a random recording (S,); one shorter than that goes round from a random place."""
        path = self._noises[rng.integers(len(self._noises))]
        duration, share = samples / self.sample_rate, rng.random()
        available = _duration(path)
        if available > duration + 0.1:
            offset = share * (available - duration - 0.1)
            return _fitted(read_audio(path, self.sample_rate, offset, duration + 0.05)[0], samples, 0)
        noise = _whole(path, self.sample_rate)
        return _fitted(noise, samples, int(share * len(noise)))


def change_speed(waveform: np.ndarray, factor: float) -> np.ndarray:
    """The waveform (S,) played `factor` times as fast (S / factor,); pitch and formants move with it."""
    if factor == 1.0 or not len(waveform):
        return waveform
    # 0.12 ms for a second at 16 kHz; soxr's lower qualities are no faster at ratios like these
    return resample(waveform, round(1000 * factor), 1000)


def add_noise(waveform: np.ndarray, noise: np.ndarray, snr_db: float) -> np.ndarray:
    """Waveform (S,) + noise (S,) scaled to a signal-to-noise ratio of `snr_db` over the utterance."""
    signal_power = float(np.mean(np.square(waveform)))
    noise_power = float(np.mean(np.square(noise)))
    if signal_power < _SILENCE or noise_power < _SILENCE:
        return waveform
    scale = np.sqrt(signal_power / noise_power * 10 ** (-snr_db / 10))
    return waveform + np.float32(scale) * noise


def reverberate(waveform: np.ndarray, impulse_response: np.ndarray) -> np.ndarray:
    """The waveform (S,) in the room of an impulse response (R,): direct sound in place, level kept."""
    direct = int(np.argmax(np.abs(impulse_response)))
    n = len(waveform) + len(impulse_response) - 1
    length = 1 << (n - 1).bit_length()
    spectrum = np.fft.rfft(waveform, length) * np.fft.rfft(impulse_response, length)
    wet = np.fft.irfft(spectrum, length)[direct : direct + len(waveform)]
    dry_power, wet_power = np.mean(np.square(waveform)), np.mean(np.square(wet))
    if wet_power < _SILENCE:
        return waveform
    return (wet * np.sqrt(dry_power / wet_power)).astype(np.float32)


def _recordings(folder: Path | None, name: str) -> list[Path]:
    if folder is None:
        return []
    found = sorted(p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES)
    if not found:
        raise ConfigError(f"perturb.{name}: no recordings in {folder}; expected a folder of audio; name another")
    return found


def _fitted(noise: np.ndarray, samples: int, start: int) -> np.ndarray:
    """`samples` samples of the noise, going round, from `start`."""
    rounds = -(-(start + samples) // len(noise))
    return np.tile(noise, rounds)[start : start + samples] if rounds > 1 else noise[start : start + samples]


@lru_cache(maxsize=512)
def _duration(path: Path) -> float:
    return probe(path).duration


@lru_cache(maxsize=64)  # 64 rooms or short noises of a few seconds: some 10 MB a worker
def _whole(path: Path, sample_rate: int) -> np.ndarray:
    return read_audio(path, sample_rate)[0]
