"""Fingerprints: the same recording changed in many ways, and strangers."""

import io
from collections.abc import Callable

import numpy as np
import pytest
import soundfile

from asr.audio.fingerprint import NEAR, compare, fingerprint
from asr.audio.measure import measures_of
from asr.audio.resample import resample

RATE = 16000


def voice(seed: int, seconds: float = 4.0) -> np.ndarray:
    """Syllables: harmonics of a wandering pitch under wandering resonances, with pauses."""
    rng = np.random.default_rng(seed)
    time = np.arange(round(seconds * RATE)) / RATE
    knots = np.arange(0, seconds + 0.3, 0.15)
    ranges = ((90, 180), (300, 900), (900, 2200), (0, 1))
    wander = [np.interp(time, knots, rng.uniform(low, high, len(knots))) for low, high in ranges]
    phase = 2 * np.pi * np.cumsum(wander[0]) / RATE
    tones = sum(
        np.sin(k * phase) * sum(np.exp(-(((k * wander[0] - f) / 150) ** 2)) for f in wander[1:3]) for k in range(1, 20)
    )
    return (0.1 * tones * (wander[3] > 0.3) + 1e-3 * rng.standard_normal(len(time))).astype(np.float32)


def codes(wave: np.ndarray, rate: int = RATE) -> np.ndarray:
    (found,) = measures_of([wave.astype(np.float32)], rate, [(0.0, len(wave) / rate)]).values()
    return found.codes


def coded(wave: np.ndarray, format: str, subtype: str) -> tuple[np.ndarray, int]:
    file = io.BytesIO()
    soundfile.write(file, wave, RATE, format=format, subtype=subtype)
    file.seek(0)
    return soundfile.read(file, dtype="float32")


CHANGES: dict[str, Callable[[np.ndarray], tuple[np.ndarray, int]]] = {
    "quieter": lambda w: (0.1 * w, RATE),
    "upside down": lambda w: (-w, RATE),
    "offset": lambda w: (w + 0.05, RATE),
    "8 kHz": lambda w: (resample(w, RATE, 8000), 8000),
    "44.1 kHz": lambda w: (resample(w, RATE, 44100), 44100),
    "MP3": lambda w: coded(w, "MP3", "MPEG_LAYER_III"),
    "Vorbis": lambda w: coded(w, "OGG", "VORBIS"),
    "cut": lambda w: (w[1713:], RATE),
    "noise": lambda w: (w + 0.1 * w.std() * np.random.default_rng(9).standard_normal(len(w)), RATE),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("seed", range(3))
def test_a_changed_copy_is_known_again(change: str, seed: int) -> None:
    wave = voice(seed)
    a, b = codes(wave), codes(*CHANGES[change](wave))
    matches = [m for shift in range(12) if (m := compare(a, b, shift)) is not None]
    best = min(matches)
    assert best.difference < NEAR and best.of_shorter > 0.9


def test_strangers_differ() -> None:
    every = [codes(voice(seed)) for seed in range(6)]
    for i, a in enumerate(every):
        for b in every[i + 1 :]:
            matches = [compare(a, b, shift) for shift in range(-100, 100)]
            assert min(m.difference for m in matches if m is not None) > NEAR + 0.05


def test_shares_of_what_is_in_both() -> None:
    wave = voice(1, 6.0)
    whole, part = codes(wave), codes(wave[: 3 * RATE])
    match = compare(whole, part, 0)
    assert match is not None and match.difference < 0.01 and match.of_shorter > 0.98 and 0.3 < match.of_longer < 0.7
    assert compare(whole, part, 10_000) is None and compare(whole, part, len(whole) - 20) is None


def test_silence_and_short_recordings_have_no_codes() -> None:
    assert len(codes(voice(0, 0.4))) == 0
    assert not codes(np.zeros(3 * RATE)).any()
    padded = np.concatenate([np.zeros(2 * RATE), voice(0), np.zeros(2 * RATE)])
    assert not codes(padded)[:90].any()
    assert compare(codes(np.zeros(9 * RATE)), codes(np.zeros(9 * RATE)), 0) is None


def test_blocks_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    powers = np.random.default_rng(4).uniform(0, 1, (700, 17)).astype(np.float32) ** 8
    whole = fingerprint(powers)
    assert len(whole) == 671
    for block in (1, 67, 670, 671, 672):
        monkeypatch.setattr("asr.audio.fingerprint._BLOCK", block)
        assert np.array_equal(fingerprint(powers), whole)


def test_bits_are_rises_and_falls_of_neighbouring_bands() -> None:
    """Written out for one row: smoothed over 20 rows, compared with 10 rows before."""
    powers = np.random.default_rng(4).uniform(0.1, 1.0, (60, 17)).astype(np.float32)
    found, row = fingerprint(powers), 13
    late, early = powers[row + 10 : row + 30].mean(0), powers[row : row + 20].mean(0)
    for bit in range(16):
        rises = np.log(late[bit + 1] / late[bit]) > np.log(early[bit + 1] / early[bit])
        assert bool(found[row] >> bit & 1) == rises
