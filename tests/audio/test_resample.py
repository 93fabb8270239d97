"""Resampling: lengths, tones kept below the lower Nyquist rate and gone above it."""

import numpy as np
import pytest
from scipy.signal import resample_poly

from asr.audio.resample import resample


@pytest.mark.parametrize(
    ("from_rate", "to_rate"), [(8000, 16000), (48000, 16000), (16000, 8000), (20000, 16000)]
)
def test_agrees_with_a_polyphase_filter(from_rate: int, to_rate: int) -> None:
    rng = np.random.default_rng(0)
    slow = np.interp(np.arange(from_rate) / from_rate * 500, np.arange(501), rng.standard_normal(501))
    smooth = np.convolve(slow, np.hanning(65) / 32, mode="same").astype(np.float32)
    divisor = np.gcd(from_rate, to_rate)
    expected = resample_poly(smooth, to_rate // divisor, from_rate // divisor)
    found = resample(smooth, from_rate, to_rate)
    assert found.dtype == np.float32 and len(found) == to_rate
    np.testing.assert_allclose(found[500:-500], expected[500:-500], atol=5e-3)


def test_what_lies_above_the_new_nyquist_rate_is_gone() -> None:
    tone = np.sin(2 * np.pi * 6000 * np.arange(16000) / 16000).astype(np.float32)
    assert np.abs(resample(tone, 16000, 8000)[200:-200]).max() < 1e-3


def test_equal_rates_change_nothing() -> None:
    waveform = np.ones(5, dtype=np.float32)
    assert resample(waveform, 16000, 16000) is waveform
