"""Utterances that sound the same, within a manifest and across, with one text or two."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from asr.audio.io import write_wav
from asr.audio.resample import resample
from asr.data.alike import alike, alike_findings
from asr.data.findings import Alike, Finding
from asr.data.material import read_material
from asr.types import Utterance

RATE = 16000
Make = Callable[..., Utterance]


def sound(seed: int, seconds: float = 4.0) -> np.ndarray:
    """Noise whose bands swell and fade as those of speech do."""
    rng = np.random.default_rng(seed)
    time = np.arange(round(seconds * RATE)) / RATE
    knots, parts = np.arange(0, seconds + 0.3, 0.2), []
    for frequency in np.geomspace(320, 1900, 14):
        swell = np.interp(time, knots, rng.uniform(0, 1, len(knots)))
        parts.append(swell**2 * np.sin(2 * np.pi * frequency * time + rng.uniform(0, 6)))
    return (0.03 * np.sum(parts, axis=0)).astype(np.float32)


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def utterance(id: str, wave: np.ndarray, text: str = "one", rate: int = RATE) -> Utterance:
        write_wav(tmp_path / f"{id}.wav", wave, rate)
        return Utterance(id, tmp_path / f"{id}.wav", len(wave) / rate, text)

    return utterance


def found(*splits: list[Utterance]) -> list[Alike]:
    return alike(read_material(dict(zip(("train", "test"), splits, strict=False)), str.lower))


def said(*splits: list[Utterance]) -> list[Finding]:
    return list(alike_findings(found(*splits)))


def test_strangers_are_not_alike(make: Make) -> None:
    assert found([make(f"u{i}", sound(i)) for i in range(6)]) == []


def test_copies_in_one_manifest(make: Make) -> None:
    (pair,) = found([make("a", sound(1)), make("b", sound(2)), make("c", sound(1))])
    assert (pair.first.utterance.id, pair.second.utterance.id, pair.copy, pair.difference) == ("a", "c", True, 0.0)
    (finding,) = said([make("a", sound(1)), make("c", sound(1))])
    assert (finding.kind, finding.manifest, finding.ids) == ("duplicate audio", "train", ("c",))
    assert "utt c: in train, sounds like utt a of train" in finding.message


def test_near_copies_across_manifests(make: Make) -> None:
    other = resample(0.3 * sound(1)[2000:], RATE, 8000)
    (finding,) = said([make("a", sound(1)), make("b", sound(2))], [make("c", other, rate=8000)])
    assert finding.kind == "near-duplicate audio across manifests"
    assert "utt c: in test, sounds like utt a of train" in finding.message and "% of the fingerprint" in finding.message


def test_the_same_samples_across_manifests_are_an_error_elsewhere(make: Make) -> None:
    assert said([make("a", sound(1))], [make("c", sound(1))]) == []
    assert found([make("a", sound(1))], [make("c", sound(1))])[0].copy


@pytest.mark.parametrize("near", [False, True])
def test_one_sound_with_two_texts(make: Make, near: bool) -> None:
    again = 0.5 * sound(1) if near else sound(1)
    (finding,) = said([make("a", sound(1), "Yes"), make("c", again, "no")])
    assert finding.kind == "one sound, two texts" and "says 'no' there 'yes'" in finding.message
    assert said([make("a", sound(1), "yes"), make("c", again, "YES")])[0].kind == "duplicate audio"


def test_a_part_may_have_another_text(make: Make) -> None:
    (pair,) = found([make("a", sound(1, 6.0), "one two"), make("c", sound(1, 6.0)[: 3 * RATE], "one")])
    assert not pair.contradict and pair.share < 0.7
    (finding,) = said([make("a", sound(1, 6.0), "one two"), make("c", sound(1, 6.0)[: 3 * RATE], "one")])
    assert finding.kind == "a part of another" and "% of the longer one; expected it once" in finding.message


def test_of_many_copies_each_is_named_once_beside_the_first(make: Make) -> None:
    rng = np.random.default_rng(0)
    copies = [make(f"c{i:02}", (0.2 + 0.03 * i) * sound(1) + 1e-4 * rng.standard_normal(4 * RATE)) for i in range(12)]
    others = [make(f"o{i}", sound(20 + i)) for i in range(3)]
    pairs = found([*copies[:6], *others], copies[6:])
    assert {pair.first.utterance.id for pair in pairs} == {"c00"}
    assert sorted(pair.second.utterance.id for pair in pairs) == [f"c{i:02}" for i in range(1, 12)]
    kinds = [finding.kind for finding in alike_findings(pairs)]
    assert kinds.count("duplicate audio") == 5 and kinds.count("near-duplicate audio across manifests") == 6


def test_copies_that_are_declared_a_little_longer(make: Make) -> None:
    first = make("a", sound(1)[: RATE // 2])
    again = replace(first, id="b", duration=first.duration - 0.002, text="two")
    assert [finding.kind for finding in said([first, again])] == ["one sound, two texts"]
    assert found([first, replace(first, id="b", duration=first.duration / 2)]) == []


def test_windows_over_one_file_are_not_copies(make: Make) -> None:
    whole = make("a", sound(1, 8.0))
    windows = [replace(whole, id=f"w{i}", offset=i / 4, duration=4.0) for i in range(4)]
    assert found(windows) == []
    assert len(found([windows[0], replace(windows[0], id="again")])) == 1


def test_silence_and_what_cannot_be_read_are_passed_over(make: Make) -> None:
    broken = make("x", sound(1))
    broken.audio.write_bytes(b"RIFF")
    assert found([make("s", np.zeros(RATE)), make("t", np.zeros(RATE)), broken]) == []
