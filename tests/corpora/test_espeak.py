"""Synthesised speech: who speaks, what is said, and that speech comes out."""

import importlib.util
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import soundfile

from asr.corpora.espeak import ACCENTS, TEST_VOICES, VARIANTS, draw_voices, prepare
from asr.data.manifest import read_manifest
from asr.errors import ManifestError

needs_extra = pytest.mark.skipif(
    importlib.util.find_spec("espeakng_loader") is None, reason="the extra 'synth' is not installed"
)


@needs_extra
def test_every_voice_is_in_the_package() -> None:
    """The library falls back in silence on a variant it does not have, so the names are looked up in its data."""
    found = importlib.util.find_spec("espeakng_loader")
    assert found is not None and found.origin is not None
    data = Path(found.origin).parent / "espeak-ng-data"
    assert set(VARIANTS) <= {path.name for path in (data / "voices" / "!v").iterdir()}
    assert len(set(VARIANTS)) == len(VARIANTS)
    assert {a.lower() for a in ACCENTS} <= {path.name.lower() for path in (data / "lang" / "gmw").iterdir()}


@pytest.mark.parametrize(("count", "seed"), [(1, 0), (40, 0), (40, 7), (300, 0)])
def test_training_voices_differ_and_share_nothing_with_test_voices(count: int, seed: int) -> None:
    speakers, strangers = draw_voices(count, seed)
    assert len({voice.name for voice in speakers}) == count and len({v.name for v in strangers}) == TEST_VOICES
    variants = [{voice.name.split("+")[1] for voice in voices} for voices in (speakers, strangers)]
    assert not variants[0] & variants[1]
    if count >= 40:
        assert {voice.name.split("+")[0] for voice in speakers} == set(ACCENTS)
        assert len(variants[0]) >= 40
        assert max(v.rate for v in speakers) - min(v.rate for v in speakers) > 30
        assert max(v.pitch for v in speakers) - min(v.pitch for v in speakers) > 25
    assert draw_voices(count, seed) == (speakers, strangers)


def test_too_many_voices() -> None:
    with pytest.raises(ManifestError, match=r"9999 voices; expected 1 to \d+; set --voices"):
        draw_voices(9999, 0)


def plain(text: str) -> str:
    return re.sub(r"\W+", " ", text).strip().casefold()


@needs_extra
def test_a_file_of_sentences(sentence_file: Path, tmp_path: Path) -> None:
    manifests = prepare(tmp_path, text=sentence_file, voices=3, hours=0.02)
    splits = {split: read_manifest(path) for split, path in manifests.items()}
    texts = {split: {plain(u.text) for u in utterances} for split, utterances in splits.items()}
    assert not texts["train"] & texts["dev"] and not texts["train"] & texts["test"]
    assert not texts["dev"] & texts["test"]
    spoken = texts["train"] | texts["dev"] | texts["test"]
    assert len(spoken) == 30 and all("belongs to" in text for text in spoken)  # no digits, nothing short
    assert {u.speaker for u in splits["train"]} == {u.speaker for u in splits["dev"]}
    assert not {u.speaker for u in splits["train"]} & {u.speaker for u in splits["test"]}
    seconds: Counter[str | None] = Counter()
    for utterance in splits["train"]:
        seconds[utterance.speaker] += utterance.duration  # type: ignore[assignment]
    assert all(24.0 <= heard < 28.0 for heard in seconds.values())
    by_text = Counter(u.text for u in splits["train"])
    assert len(by_text) == 18 and max(by_text.values()) - min(by_text.values()) <= 2


@needs_extra
def test_speech_is_written(sentence_file: Path, tmp_path: Path) -> None:
    manifests = prepare(tmp_path, text=sentence_file, voices=2, hours=0.003, sample_rate=8000)
    for utterance in read_manifest(manifests["test"]):
        waveform, rate = soundfile.read(utterance.audio)
        assert rate == 8000 and len(waveform) / rate == pytest.approx(utterance.duration)
        assert 1.0 < utterance.duration < 4.5
        rms = float(np.sqrt(np.mean(waveform**2)))
        assert 0.01 < rms < 0.5 and np.mean(np.abs(waveform) > 0.999) < 0.01
    recordings = [path.read_bytes() for path in (tmp_path / "audio").rglob("*.wav")]
    assert len(set(recordings)) == len(recordings)


@needs_extra
def test_commands_by_default(tmp_path: Path) -> None:
    manifests = prepare(tmp_path, voices=2, hours=0.002)
    splits = {split: [u.text for u in read_manifest(path)] for split, path in manifests.items()}
    assert len(splits["dev"]) == len(splits["test"]) == 200
    everything = [text for texts in splits.values() for text in texts]
    assert len(set(everything)) == len(everything)
    assert all(re.fullmatch(r"[a-z']+( [a-z']+)*", text) for text in everything)


def test_unusable_texts(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="no such file; expected 'commands' or a file of sentences"):
        prepare(tmp_path / "out", text="comands")
    few = tmp_path / "few.txt"
    few.write_text("This is the only sentence of the file.\n")
    with pytest.raises(ManifestError, match=r"few.txt: 1 sentences; expected at least 20|extra 'synth'"):
        prepare(tmp_path / "out", text=few)


def test_the_missing_extra_is_one_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ManifestError, match=r"pip install -e '\.\[synth\]'"):
        prepare(tmp_path)
    assert not (tmp_path / "prepared.json").exists()


def test_the_library_is_loaded_by_its_own_process_only() -> None:
    """The GPL library is imported in espeak_process alone, and nothing imports that file."""
    package = Path(prepare.__code__.co_filename).parents[1]
    sources = {path: path.read_text() for path in package.rglob("*.py")}
    importing = [path.name for path, text in sources.items() if re.search(r"import espeakng_loader", text)]
    assert importing == ["espeak_process.py"]
    assert not [p for p, text in sources.items() if re.search(r"import .*espeak_process|from .*espeak_process", text)]
