"""Odd sounds: each provoked alone beside recordings that are in order."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from asr.audio.io import write_wav
from asr.audio.resample import resample
from asr.data.findings import Finding
from asr.data.material import read_material
from asr.data.sounds import sound_findings
from asr.types import Utterance

RATE = 16000
Make = Callable[..., Utterance]


def sound(seed: int = 0, seconds: float = 3.0, rate: int = RATE, pause: float = 0.001) -> np.ndarray:
    """Bursts of noise of a quarter of a second, and pauses of as much."""
    samples = round(seconds * rate)
    loud = np.arange(samples) // (rate // 4) % 2 == 0
    return np.where(loud, 0.1, pause) * np.random.default_rng(seed).standard_normal(samples)


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def utterance(wave: np.ndarray, id: str = "odd", rate: int = RATE) -> Utterance:
        write_wav(tmp_path / f"{id}.wav", wave, rate)
        return Utterance(id, tmp_path / f"{id}.wav", len(wave) / rate, "text")

    return utterance


def findings(*utterances: Utterance, sample_rate: int | None = None) -> list[Finding]:
    return list(sound_findings(read_material({"train": utterances}, str), sample_rate))


ODD = {
    "clipping": np.clip(4 * sound(), -0.3, 0.3),
    "noise": sound(pause=0.08),
    "faint": 0.01 * sound(),
    "DC offset": sound() + 0.03,
    "long silence": np.concatenate([np.zeros(2 * RATE), sound(), np.zeros(RATE)]),
    "silence": np.zeros(3 * RATE),
}
SAID = {
    "clipping": "of its samples are cut off; expected none",
    "noise": "dB above its noise; expected 6 or more",
    "faint": "its loud parts are at -60 dB of full scale; expected -45 or more",
    "DC offset": "its mean is 3.0 % of full scale; expected 0",
    "long silence": "2.0 s of silence before, 1.0 s after",
    "silence": "odd.wav is silent; expected speech",
}


@pytest.mark.parametrize("kind", ODD)
def test_each_alone(make: Make, kind: str) -> None:
    (finding,) = findings(make(sound(1), "a"), make(ODD[kind]), make(sound(2), "b"))
    assert (finding.kind, finding.manifest, finding.ids) == (kind, "train", ("odd",))
    assert finding.message.startswith("utt odd: ") and SAID[kind] in finding.message


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("scale", "told"), [(32768, "32768"), (2.0**31, "2.14748e+09"), (1e25, "1e+12")])
def test_floats_in_the_scale_of_integers(make: Make, scale: float, told: str) -> None:
    odd = make(sound(), "odd")
    wave = scale * (sound() / np.abs(sound()).max() + 0.02)
    soundfile.write(odd.audio, (wave / np.abs(wave).max() * scale).astype(np.float32), RATE, subtype="FLOAT")
    (finding,) = findings(odd)
    assert finding.kind == "beyond full scale"
    assert f"its largest sample is {told} times full scale; expected 1 at most" in finding.message


def test_decoded_overshoot_is_not_beyond_full_scale(make: Make) -> None:
    odd = make(sound(), "odd")
    soundfile.write(odd.audio, (2 * sound() / np.abs(sound()).max()).astype(np.float32), RATE, subtype="FLOAT")
    assert findings(odd) == []


def test_clipping_before_dither(make: Make) -> None:
    dither = np.random.default_rng(1).uniform(-2, 2, len(sound())) / 32768
    (finding,) = findings(make(np.clip(sound(), -0.1, 0.1) + dither))
    assert finding.kind == "clipping" and "pile up below the largest" in finding.message


def test_a_silent_half_of_a_long_recording(make: Make) -> None:
    wave = np.concatenate([sound(seconds=0.5), np.zeros(4 * RATE), sound(seconds=0.25)])
    assert [f.kind for f in findings(make(wave))] == ["long silence"]
    assert findings(make(wave[: 2 * RATE])) == [], "a short one has no long silence"


def test_several_sample_rates(make: Make) -> None:
    mixed = [make(sound(i), f"u{i}") for i in range(3)] + [make(sound(9, rate=8000), "low", rate=8000)]
    (finding,) = findings(*mixed)
    assert finding.kind == "sample rates" and "3 at 16000 Hz, 1 at 8000 Hz" in finding.message
    assert finding.ids == ("low",)


def test_a_narrow_band_is_seen_where_features_reach_beyond(make: Make) -> None:
    narrow = make(resample(sound(9, rate=8000).astype(np.float32), 8000, RATE), "low")
    for rate, kinds in ((16000, ["narrow band"]), (8000, []), (None, ["narrow band"])):
        assert [f.kind for f in findings(make(sound(1), "a"), narrow, sample_rate=rate)] == kinds
    (finding,) = findings(make(sound(1), "a"), narrow, sample_rate=16000)
    assert "1 of 2 recordings have nothing in the upper 40% of the band: utt low ends at 4" in finding.message
    assert "of 8000 Hz; expected speech there; set features.sample_rate" in finding.message
    assert (finding.manifest, finding.ids) == ("train", ("low",))
    low = make(sound(9, rate=8000), "telephone", rate=8000)
    assert findings(low) == [] and [f.kind for f in findings(low, sample_rate=16000)] == ["narrow band"]


def test_real_recordings_are_mostly_in_order(shared_data: Path) -> None:
    from asr.data.manifest import read_manifest

    read = read_manifest(shared_data / "speechocean_adult32" / "manifest.jsonl")[:60]
    assert len(findings(*read, sample_rate=16000)) <= 3
