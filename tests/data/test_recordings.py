"""Recordings read to their end: what is known of files and of the stretches in them, kept and found again."""

import json
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

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


WRONG: dict[str, Callable[[Any], Any]] = {
    "nothing": lambda row: None,
    "a word": lambda row: "x",
    "a list": lambda row: [row],
    "unknown field": lambda row: row | {"more": 1},
    "error": lambda row: row | {"error": "gone"},
    "no peak": lambda row: {k: v for k, v in row.items() if k != "peak"},
    "loud": lambda row: row | {"peak": "loud"},
    "not finite": lambda row: row | {"peak": float("nan")},
    "rate in halves": lambda row: row | {"rate": 8000.5},
    "truth": lambda row: row | {"channels": True},
    "no stretches": lambda row: row | {"stretches": []},
    "one stretch": lambda row: row | {"stretches": row["stretches"][:1]},
    "stretch of two": lambda row: row | {"stretches": [[0.0, 1.0]]},
    "stretches of a word": lambda row: row | {"stretches": {"abc": 1}},
    "list for an offset": lambda row: row | {"stretches": [[[0.0], 1.0, m] for _, _, m in row["stretches"]]},
    "measures of a stretch": lambda row: row | {"stretches": [[a, b, {}] for a, b, _ in row["stretches"]]},
    "codes": lambda row: row | {"stretches": [[a, b, m | {"codes": "?"}] for a, b, m in row["stretches"]]},
    "odd codes": lambda row: row | {"stretches": [[a, b, m | {"codes": "AAAA"}] for a, b, m in row["stretches"]]},
    "level": lambda row: row | {"stretches": [[a, b, m | {"level": None}] for a, b, m in row["stretches"]]},
}


@pytest.mark.parametrize("wrong", WRONG)
def test_kept_rows_of_a_wrong_shape_are_read_again(corpus: list[Utterance], tmp_path: Path, wrong: str) -> None:
    first = read_all(corpus[1:], kept=kept(tmp_path))
    place = tmp_path / "k.jsonl"
    row = json.loads(place.read_text())
    place.write_text(json.dumps(row | {"found": WRONG[wrong](row["found"])}) + "\n")
    again = read_all(corpus[1:], kept=kept(tmp_path))
    assert same(first[corpus[1].audio], again[corpus[1].audio])
    assert len(place.read_text().splitlines()) == 2, "kept anew"
