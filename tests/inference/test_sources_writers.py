"""What paths name, how recordings are called, and what transcripts and alignments look like on disk."""

import itertools
import json
import math
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr.errors import AudioError, ConfigError
from asr.inference.aligner import Aligned
from asr.inference.sources import expand, names
from asr.inference.writers import (
    ALIGNMENTS,
    FORMATS,
    aligned_lines,
    line,
    render,
    suffix,
    write_aligned,
    write_transcript,
)
from asr.types import Alternative, Span, Transcript

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


def test_json_says_how_sure_and_what_else() -> None:
    sure = replace(TRANSCRIPT.words[0], confidence=0.25)
    nbest = (Alternative("grüß dich", -1.25, -1.0, -0.5), Alternative("gruß dich", -2.0, -1.5, -0.7))
    row = json.loads(render(replace(TRANSCRIPT, words=(sure, TRANSCRIPT.words[1]), nbest=nbest), "json"))
    assert [word["confidence"] for word in row["words"]] == [0.25, 1.0]
    assert tuple(Alternative(**alternative) for alternative in row["alternatives"]) == nbest
    assert "alternatives" not in json.loads(render(TRANSCRIPT, "json"))


def test_ctm_and_textgrid_hold_the_words() -> None:
    rows = [text.split() for text in render(TRANSCRIPT, "ctm").splitlines()]
    read = [(word, float(start), float(start) + float(length)) for _, _, start, length, word, _ in rows]
    assert [text for text, *_ in read] == [word.text for word in TRANSCRIPT.words]
    assert [x for _, *at in read for x in at] == pytest.approx([0.1, 0.52, 0.6, 1.5])
    assert {row[0] for row in rows} == {"a/one"} and [float(row[5]) for row in rows] == [0.7788, 1.0]
    assert _intervals(render(TRANSCRIPT, "textgrid")) == {
        "words": [(0, 0.1, ""), (0.1, 0.52, "grüß"), (0.52, 0.6, ""), (0.6, 1.5, "dich")]
    }


@pytest.mark.parametrize("format", FORMATS)
def test_a_list_of_one_is_the_file(format: str) -> None:
    expected = "a/one\tgrüß dich\n" if format == "txt" else render(TRANSCRIPT, format)
    assert line(TRANSCRIPT, format) + "\n" == expected


def test_txt() -> None:
    assert render(TRANSCRIPT) == "grüß dich\n"
    assert line(TRANSCRIPT) == "a/one\tgrüß dich"


@pytest.mark.parametrize("format", FORMATS)
def test_files_lie_below_the_folder(tmp_path: Path, format: str) -> None:
    path = write_transcript(tmp_path, TRANSCRIPT, format)
    assert path == tmp_path / "a" / f"one{FORMATS[format].suffix}"
    assert path.read_text(encoding="utf-8") == render(TRANSCRIPT, format)


def test_unknown_format() -> None:
    with pytest.raises(ConfigError, match="'pdf': is unknown; expected one of txt, json"):
        render(TRANSCRIPT, "pdf")


ALIGNED = Aligned(
    id="a b/one",
    duration=1.5,
    text='er "q',
    words=(Span("er", 0.1, 0.52, -0.25), Span('"q', 0.6, 1.5, -1.0)),
    tokens=(
        Span("e", 0.1, 0.3, -0.2), Span("r", 0.3, 0.52), Span(" ", 0.52, 0.6), Span('"', 0.6, 0.7), Span("q", 0.7, 1.5)
    ),
    score=-3.25,
    heard="er",
    gap=1.23456,
)  # fmt: skip


def _intervals(textgrid: str) -> dict[str, list[tuple[float, float, str]]]:
    """The tiers of a TextGrid in Praat's long format, read as its manual describes it."""
    tiers = {}
    for tier in textgrid.split("    item [")[1:]:
        name = re.search(r'name = "(.*)"', tier)
        found = re.findall(r'intervals \[(\d+)\]:\s+xmin = (\S+)\s+xmax = (\S+)\s+text = "((?:[^"]|"")*)"\s', tier)
        assert name and [int(i) for i, *_ in found] == list(range(1, len(found) + 1))
        assert f"intervals: size = {len(found)}\n" in tier
        tiers[name[1]] = [(float(start), float(end), text.replace('""', '"')) for _, start, end, text in found]
    return tiers


def test_ctm_has_six_fields_a_word() -> None:
    assert aligned_lines(ALIGNED, "ctm") == (
        f'a_b/one 1 0.100 0.420 er {math.exp(-0.25):.4f}\na_b/one 1 0.600 0.900 "q {math.exp(-1):.4f}\n'
    )


def test_json_of_an_alignment_is_that_of_a_transcript_and_more() -> None:
    row = json.loads(aligned_lines(ALIGNED, "json"))
    assert aligned_lines(ALIGNED, "json").count("\n") == 1
    plain = json.loads(line(Transcript(ALIGNED.id, ALIGNED.duration, ALIGNED.text, ALIGNED.words), "json"))
    tokens = tuple(Span(t["token"], t["start"], t["end"], t["score"]) for t in row.pop("tokens"))
    assert tokens == ALIGNED.tokens
    assert row == plain | {"score": -3.25, "gap": 1.2346}


def test_textgrids_have_no_holes() -> None:
    text = aligned_lines(ALIGNED, "textgrid")
    assert text.startswith('File type = "ooTextFile"\nObject class = "TextGrid"\n\nxmin = 0\nxmax = 1.500000\n')
    assert "size = 2\nitem []:\n    item [1]:\n" in text
    assert _intervals(text) == {
        "words": [(0, 0.1, ""), (0.1, 0.52, "er"), (0.52, 0.6, ""), (0.6, 1.5, '"q')],
        "tokens": [
            (0, 0.1, ""), (0.1, 0.3, "e"), (0.3, 0.52, "r"), (0.52, 0.6, ""), (0.6, 0.7, '"'), (0.7, 1.5, "q")
        ],
    }  # fmt: skip


@given(st.lists(st.integers(1, 2000), max_size=12), st.integers(0, 3), st.floats(0.005, 0.08))
def test_textgrids_of_any_spans(lengths: list[int], phase: int, frame_seconds: float) -> None:
    """Every second to third stretch is a word; times reach twelve minutes and more."""
    edges = [0, *itertools.accumulate(lengths)]
    stretches = [(a * frame_seconds, b * frame_seconds) for a, b in itertools.pairwise(edges)]
    words = tuple(Span(f"w{i}", *s) for i, s in enumerate(stretches) if (i + phase) % 3 < 2)
    duration = edges[-1] * frame_seconds + 0.001
    tier = _intervals(aligned_lines(replace(ALIGNED, duration=duration, words=words), "textgrid"))["words"]
    assert tier[0][0] == 0 and tier[-1][1] == pytest.approx(duration, abs=1e-6)
    assert all(start < end for start, end, _ in tier)
    assert all(before[1] == after[0] for before, after in itertools.pairwise(tier))
    said = [(start, end, text) for start, end, text in tier if text]
    assert [text for *_, text in said] == [w.text for w in words]
    assert [x for start, end, _ in said for x in (start, end)] == pytest.approx(
        [x for w in words for x in (w.start, w.end)], abs=1e-6
    )


def test_silence_is_one_empty_interval() -> None:
    silent = replace(ALIGNED, words=(), tokens=())
    assert _intervals(aligned_lines(silent, "textgrid")) == {"words": [(0, 1.5, "")], "tokens": [(0, 1.5, "")]}
    assert aligned_lines(silent, "ctm") == ""


@pytest.mark.parametrize(
    ("id", "place"),
    [("a/one", "a/one"), ("../../x", "_/_/x"), ("/etc/x", "etc/x"), ("..", "_"), ("v1.5", "v1.5"), ("/", "_")],
)
def test_textgrids_lie_below_the_folder(tmp_path: Path, id: str, place: str) -> None:
    path = write_aligned(tmp_path / "out", replace(ALIGNED, id=id))
    assert path == tmp_path / "out" / f"{place}.TextGrid" and path.is_file()


def test_formats_of_alignments() -> None:
    assert {format: suffix(format) for format in ALIGNMENTS} == {"ctm": ".ctm", "textgrid": "", "json": ".jsonl"}
    with pytest.raises(ConfigError, match="'srt': is unknown; expected one of ctm, textgrid, json"):
        suffix("srt")
