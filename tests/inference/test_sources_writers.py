"""What paths name, how recordings are called, and what transcripts look like on disk."""

import json
from pathlib import Path

import pytest

from asr.errors import AudioError, ConfigError
from asr.inference.sources import expand, names
from asr.inference.writers import FORMATS, line, render, write_transcript
from asr.types import Span, Transcript

TRANSCRIPT = Transcript("a/one", 1.5, "grüß dich", (Span("grüß", 0.1, 0.52, -0.25), Span("dich", 0.6, 1.5)))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b.wav", "a.MP3", "notes.txt", "deep/er/c.flac", "deep/x[1].opus"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


def _named(folder: Path, *paths: str) -> list[str]:
    return [p.relative_to(folder).as_posix() for p in expand(folder / p for p in paths)]


def test_folders_globs_and_files(folder: Path) -> None:
    assert _named(folder, "") == ["a.MP3", "b.wav", "deep/er/c.flac", "deep/x[1].opus"]
    assert _named(folder, "*") == ["a.MP3", "b.wav"]
    assert _named(folder, "**/*.flac") == ["deep/er/c.flac"]
    assert _named(folder, "notes.txt", "deep/x[1].opus") == ["notes.txt", "deep/x[1].opus"]
    assert _named(folder, "b.wav", "*", "b.wav") == ["b.wav", "a.MP3"]


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("gone.wav", "no such file or folder"),
        ("*.ogg", "the glob holds no recording"),
        ("empty", "the folder holds no recording"),
    ],
)
def test_nothing_there(folder: Path, path: str, message: str) -> None:
    (folder / "empty").mkdir()
    with pytest.raises(AudioError, match=message) as caught:
        expand([folder / "b.wav", folder / path])
    assert str(caught.value).startswith(str(folder / path))


def test_names_are_short_and_distinct(folder: Path) -> None:
    assert names(expand([folder])) == ["a", "b", "deep/er/c", "deep/x[1]"]
    assert names([folder / "b.wav"]) == ["b"]
    assert names([Path("x/a.wav"), Path("x/a.mp3"), Path("y/a.wav")]) == ["x/a.wav", "x/a.mp3", "y/a"]
    assert names([]) == []


def test_json_round_trip() -> None:
    row = json.loads(render(TRANSCRIPT, "json"))
    words = tuple(Span(w["word"], w["start"], w["end"], w["score"]) for w in row["words"])
    assert Transcript(row["id"], row["duration"], row["text"], words) == TRANSCRIPT
    assert json.loads(line(TRANSCRIPT, "json")) == row and "\n" not in line(TRANSCRIPT, "json")


def test_txt() -> None:
    assert render(TRANSCRIPT) == "grüß dich\n"
    assert line(TRANSCRIPT) == "a/one\tgrüß dich"


@pytest.mark.parametrize("format", FORMATS)
def test_files_lie_below_the_folder(tmp_path: Path, format: str) -> None:
    path = write_transcript(tmp_path, TRANSCRIPT, format)
    assert path == tmp_path / "a" / f"one.{format}"
    assert path.read_text(encoding="utf-8") == render(TRANSCRIPT, format)


def test_unknown_format() -> None:
    with pytest.raises(ConfigError, match="'pdf': is unknown; expected one of txt, json"):
        render(TRANSCRIPT, "pdf")
