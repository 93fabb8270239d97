"""Recordings read to their end: what is known of files and of the stretches in them, kept and found again."""

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from asr.audio.io import write_wav
from asr.data import recordings
from asr.data.kept import Kept
from asr.data.recordings import Recording, pack_recording, read_all, unpack_recording
from asr.types import Utterance

RATE = 8000


@pytest.fixture
def corpus(tmp_path: Path) -> list[Utterance]:
    """Two files; in the second, two stretches, one louder."""
    rng = np.random.default_rng(0)
    write_wav(tmp_path / "a.wav", 0.1 * rng.standard_normal(2 * RATE), RATE)
    write_wav(tmp_path / "b.wav", np.repeat([0.01, 0.1], 2 * RATE) * rng.standard_normal(4 * RATE), RATE)
    return [
        Utterance("a", tmp_path / "a.wav", 2.0, "x"),
        Utterance("b0", tmp_path / "b.wav", 2.0, "x"),
        Utterance("b1", tmp_path / "b.wav", 2.0, "x", offset=2.0),
    ]


def kept(folder: Path) -> Kept[Recording]:
    return Kept(folder / "k.jsonl", pack_recording, unpack_recording)


def same(a: Recording, b: Recording) -> bool:
    if replace(a, stretches={}) != replace(b, stretches={}) or a.stretches.keys() != b.stretches.keys():
        return False
    pairs = [(a.stretches[key], b.stretches[key]) for key in a.stretches]
    return all(np.array_equal(getattr(x, f.name), getattr(y, f.name)) for x, y in pairs for f in fields(x))


def test_files_and_stretches(corpus: list[Utterance]) -> None:
    told: list[tuple[int, int]] = []
    found = read_all(corpus, lambda done, total: told.append((done, total)))
    assert told == [(1, 2), (2, 2)] and list(found) == [corpus[0].audio, corpus[1].audio]
    b = found[corpus[1].audio]
    assert (b.samples, b.rate, b.channels) == (4 * RATE, RATE, 1) and len(b.digest) == 32
    assert b.of(corpus[2]).level - b.of(corpus[1]).level == pytest.approx(20, abs=0.5)
    assert b.peak == b.of(corpus[2]).peak > b.of(corpus[1]).peak


def test_the_digest_is_of_the_samples(corpus: list[Utterance], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = replace(corpus[0], audio=tmp_path / "copy.wav")
    copy.audio.write_bytes(corpus[0].audio.read_bytes())
    found = read_all([corpus[0], copy])
    assert found[copy.audio].digest == found[corpus[0].audio].digest != read_all(corpus)[corpus[1].audio].digest
    monkeypatch.setattr(recordings, "_BLOCK", 0.3)
    assert same(read_all([copy])[copy.audio], found[copy.audio]), "blocks do not show"


def test_kept_recordings_are_not_read_again(
    corpus: list[Utterance], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = read_all(corpus, kept=kept(tmp_path))

    def refuse(*arguments: object) -> Recording:
        raise AssertionError(f"read again: {arguments}")

    monkeypatch.setattr(recordings, "_read", refuse)
    again = read_all(corpus, kept=kept(tmp_path))
    assert all(same(first[path], again[path]) for path in first)
    with pytest.raises(AssertionError, match="read again"):
        read_all([replace(corpus[0], duration=1.0)], kept=kept(tmp_path))


def test_an_interrupted_reading_goes_on(
    corpus: list[Utterance], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        read_all(corpus[:1], stop, kept(tmp_path))
    read, asked = recordings._read, []
    monkeypatch.setattr(recordings, "_read", lambda path, stretches: asked.append(path) or read(path, stretches))
    read_all(corpus, kept=kept(tmp_path))
    assert asked == [corpus[1].audio]


def test_errors_are_found_anew_each_time(corpus: list[Utterance], tmp_path: Path) -> None:
    content = corpus[0].audio.read_bytes()
    corpus[0].audio.write_bytes(content[:5000])
    for _ in range(2):
        assert "is cut short" in read_all(corpus, kept=kept(tmp_path))[corpus[0].audio].error
    assert not read_all(corpus, kept=kept(tmp_path))[corpus[1].audio].error
