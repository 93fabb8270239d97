"""What an evaluation writes, read back, and what its report says."""

import json
from pathlib import Path

import pytest

from asr.evaluation.errors import ErrorCounts, align_words
from asr.evaluation.report import aligned_lines
from asr.evaluation.results import Result, Summary, write_results
from asr.evaluation.several import render_table
from asr.evaluation.significance import interval

TEXTS = [
    ("u1", "anna", "turn the light on", "turn a light on"),
    ("u2", "anna", "set an alarm", "set an alarm"),
    ("u3", "ben", "stop", "please stop the"),
    ("u4", "ben", "turn the radio off", "turn a radio"),
]


def _results() -> list[Result]:
    return [
        Result.of(id=i, audio=f"{i}.wav", reference=r, hypothesis=h, duration=2.5, speaker=s)
        for i, s, r, h in TEXTS
    ]


def _write(out: Path, results: list[Result]) -> Summary:
    return write_results(
        out, results, seconds=2.0, normalisation="NFKC, lower case", decoder="greedy", extra={"step": 12}
    )


def test_summary_is_of_the_corpus(tmp_path: Path) -> None:
    summary = _write(tmp_path, _results())
    assert summary.words == ErrorCounts(substitutions=2, deletions=1, insertions=2, reference_length=12)
    row = json.loads((tmp_path / "summary.json").read_text())
    assert row == summary.row()
    assert row["wer"] == 5 / 12  # the mean over utterances would be 0.6875
    characters = summary.characters
    assert row["cer"] == characters.errors / sum(len(r) for _, _, r, _ in TEXTS)
    assert (row["utterances"], row["wrong_utterances"], row["reference_words"]) == (4, 3, 12)
    assert (row["audio_seconds"], row["seconds"], row["rtfx"]) == (10.0, 2.0, 5.0)
    assert (row["normalisation"], row["decoder"], row["step"]) == ("NFKC, lower case", "greedy", 12)


def _many() -> list[Result]:
    """30 utterances of six speakers, whose counts all differ."""
    texts = [("a b c d e f g",) * 2, ("long words here", "long wards here now"), ("one two three", "one three")]
    return [
        Result.of(id=f"u{i}", audio="x", reference=r, hypothesis=h if i < 25 else r, duration=1.0, speaker=f"s{i % 6}")
        for i, (r, h) in enumerate(texts * 10)
    ]


def test_the_summary_holds_the_intervals_of_both_rates(tmp_path: Path) -> None:
    _write(tmp_path, _many())
    summary = json.loads((tmp_path / "summary.json").read_text())
    rows = [json.loads(line) for line in (tmp_path / "results.jsonl").read_text().splitlines()]
    found, speakers = summary["intervals"], [row["speaker"] for row in rows]
    assert (found["method"], found["level"], found["resamples"]) == ("studentised bootstrap", 0.95, 10_000)
    errors = [row["substitutions"] + row["deletions"] + row["insertions"] for row in rows]
    counts = {
        "wer": (errors, [row["reference_words"] for row in rows]),
        "cer": ([row["character_errors"] for row in rows], [row["reference_characters"] for row in rows]),
    }
    for name, together in (("wer", 2.0), ("cer", 5.0)):
        for over, groups in (("utterances", None), ("speakers", speakers)):
            expected = interval(*counts[name], groups, together)
            assert expected is not None and found[name][over] == [expected.low, expected.high]
            assert expected.low < summary[name] < expected.high
    said = {f"[{100 * low:.2f}, {100 * high:.2f}]" for n in counts for low, high in found[n].values()}
    assert len(said) == 4 and all(bounds in (tmp_path / "report.txt").read_text() for bounds in said)
    low, high = found["wer"]["utterances"]
    assert f"[{100 * low:.2f}, {100 * high:.2f}]" in render_table([tmp_path])


def test_there_is_no_interval_of_little(tmp_path: Path) -> None:
    _write(tmp_path, _results())
    found = json.loads((tmp_path / "summary.json").read_text())["intervals"]
    assert found["wer"] == found["cer"] == {"utterances": None, "speakers": None}
    assert "95 %" not in (tmp_path / "report.txt").read_text()


def test_a_line_an_utterance(tmp_path: Path) -> None:
    _write(tmp_path, _results())
    rows = [json.loads(line) for line in (tmp_path / "results.jsonl").read_text().splitlines()]
    assert [(r["id"], r["speaker"], r["reference"], r["hypothesis"]) for r in rows] == TEXTS
    assert {k: rows[3][k] for k in ("substitutions", "deletions", "insertions", "reference_words")} == {
        "substitutions": 1,
        "deletions": 1,
        "insertions": 0,
        "reference_words": 4,
    }
    assert rows[0]["audio"] == "u1.wav" and rows[0]["duration"] == 2.5


def test_report_says_rates_conditions_and_errors(tmp_path: Path) -> None:
    _write(tmp_path, _results())
    report = (tmp_path / "report.txt").read_text()
    assert "WER  41.67 %   5 errors in 12 words: 2 substituted, 1 deleted, 2 inserted" in report
    assert "SER  75.00 %   3 of 4 utterances" in report
    assert "normalisation  NFKC, lower case\ndecoder        greedy\nstep           12" in report
    assert "5.0 × real time" in report
    assert report.index("ben   ") < report.index("anna  ")  # worst speaker first
    assert "80.00 %" in report and "14.29 %" in report
    assert "     2  the → a" in report and "     1  off" in report and "     1  please" in report
    assert "REF: turn THE radio OFF\nHYP: turn A   radio ***\nEVA:      S         D" in report
    assert "REF: ****** stop ***\nHYP: PLEASE stop THE\nEVA: I           I" in report
    assert "u2" not in report


def test_long_alignments_wrap_in_columns() -> None:
    pairs = align_words("one two three four five six seven " * 10, "one too three four five six seven " * 10)
    lines = aligned_lines(pairs)
    assert max(map(len, lines)) <= 100 and len(lines) % 3 == 0
    assert sum(line.count("TOO") for line in lines) == sum(line.count("S") for line in lines[2::3]) == 10


def test_nothing_to_measure_against(tmp_path: Path) -> None:
    result = Result.of(id="u", audio="u.wav", reference="", hypothesis="noise", duration=1.0)
    _write(tmp_path, [result])
    assert json.loads((tmp_path / "summary.json").read_text())["wer"] is None
    assert "WER  –   1 errors in 0 words" in (tmp_path / "report.txt").read_text()
    assert "inf" not in (tmp_path / "report.txt").read_text() + render_table([tmp_path])


@pytest.mark.parametrize("results", [[], _results()[1:2]])
def test_no_errors(tmp_path: Path, results: list[Result]) -> None:
    assert _write(tmp_path, results).wer == 0.0
    assert (tmp_path / "report.txt").read_text().rstrip().endswith("step           12")
