"""Scores of files: published figures, the formats, and every mistake in them named by file and line."""

import json
import re
import sys
from pathlib import Path

import pytest

from asr import cli
from asr.errors import ManifestError
from asr.evaluation.errors import ErrorCounts
from asr.evaluation.scoring import score_files

SAID = {"a-1": "the cat sat", "b-2": "on (the) mat", "c-3": "x"}
HEARD = {"a-1": "the cat sat", "c-3": "", "b-2": "on a mat now"}


def _write(path: Path, texts: dict[str, str], key: str = "text") -> Path:
    lines = {
        ".tsv": (f"{name}\t{text}" for name, text in texts.items()),
        ".trn": (f"{text} ({name})" for name, text in texts.items()),
        ".jsonl": (json.dumps({"id": name, key: text}) for name, text in texts.items()),
    }
    path.write_text("\n".join(lines[path.suffix]) + "\n")
    return path


@pytest.mark.parametrize("left", [".tsv", ".trn", ".jsonl"])
@pytest.mark.parametrize("right", [".tsv", ".trn", ".jsonl"])
def test_every_format_against_every_other(tmp_path: Path, left: str, right: str) -> None:
    found = score_files(_write(tmp_path / f"r{left}", SAID), _write(tmp_path / f"h{right}", HEARD, "hypothesis"))
    assert found.words == ErrorCounts(substitutions=1, deletions=1, insertions=1, reference_length=7)
    assert (found.utterances, found.wrong_utterances, found.characters.reference_length) == (3, 2, 24)


def test_results_hold_both(tmp_path: Path) -> None:
    rows = [{"id": k, "reference": SAID[k], "hypothesis": HEARD[k]} for k in SAID]
    (tmp_path / "results.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert score_files(tmp_path, None) == score_files(tmp_path / "results.jsonl", None)
    assert score_files(tmp_path, None).words.errors == 3


@pytest.mark.parametrize(
    "reference, hypothesis, said",
    [
        ("a\tx\nb\ty\nc\tz\n", "a\tx\n", r"r.tsv:2: id 'b' \(and 1 ids more\) has no hypothesis in .*h.tsv"),
        ("a\tx\n", "a\tx\n\nb\ty\n", r"h.tsv:3: id 'b' has no reference in .*r.tsv"),
        ("a\tx\na\ty\n", "a\tx\n", r"r.tsv:2: id 'a' stands at line 1 too"),
        ("a x\n", "a\tx\n", r"r.tsv:1: no id and tab"),
        ("\n", "a\tx\n", r"r.tsv: holds no line"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, reference: str, hypothesis: str, said: str) -> None:
    (tmp_path / "r.tsv").write_text(reference)
    (tmp_path / "h.tsv").write_text(hypothesis)
    with pytest.raises(ManifestError, match=said):
        score_files(tmp_path / "r.tsv", tmp_path / "h.tsv")


@pytest.mark.parametrize(
    "name, line, said",
    [
        ("r.jsonl", "{", "r.jsonl:1: not JSON"),
        ("r.jsonl", "[]", "r.jsonl:1: a list; expected a JSON object"),
        ("r.jsonl", '{"text": "x"}', "r.jsonl:1: no 'id'"),
        ("r.jsonl", '{"id": "x"}', "r.jsonl:1: no text"),
        ("r.trn", "no id here", r"r.trn:1: no id; expected `text \(id\)`"),
    ],
)
def test_lines_that_are_none(tmp_path: Path, name: str, line: str, said: str) -> None:
    (tmp_path / name).write_text(line)
    with pytest.raises(ManifestError, match=said):
        score_files(tmp_path / name, tmp_path / name)
    with pytest.raises(ManifestError, match="no such file"):
        score_files(tmp_path / "none.tsv", None)


@pytest.mark.parametrize("suffix", [".tsv", ".trn", ".jsonl"])
def test_references_are_no_hypotheses(tmp_path: Path, suffix: str) -> None:
    """Left out, the hypotheses are not taken to be what was said."""
    path = _write(tmp_path / f"r{suffix}", SAID)
    said = "no text; expected a string in reference" if suffix == ".jsonl" else "one text for an id; .*name the hyp"
    with pytest.raises(ManifestError, match=rf"r{suffix}.*: .*{said}"):
        score_files(path, None)


def test_heads_and_comments_are_no_utterances(tmp_path: Path) -> None:
    (tmp_path / "r.tsv").write_text("ID\tText\na\tthe cat\n")
    (tmp_path / "h.tsv").write_text("id\thypothesis\na\tthe cat\n")
    assert score_files(tmp_path / "r.tsv", tmp_path / "h.tsv").utterances == 1
    (tmp_path / "h.trn").write_text(";; LIST OPT CASE = insensitive\n;;\nthe cat (a)\n")
    assert score_files(tmp_path / "r.tsv", tmp_path / "h.trn").utterances == 1
    (tmp_path / "odd.tsv").write_text("a\tthe cat\nid\ttext\n")  # an id like any other
    assert score_files(tmp_path / "odd.tsv", tmp_path / "odd.tsv").utterances == 2


def test_no_words_have_no_rate(tmp_path: Path) -> None:
    (tmp_path / "r.tsv").write_text("a\t\n")
    (tmp_path / "h.tsv").write_text("a\tnoise\n")
    assert "WER            –   1 errors in 0 words" in score_files(tmp_path / "r.tsv", tmp_path / "h.tsv").render()


def test_published_figures(shared_data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    folder = shared_data / "wer_fixture"
    files = [str(folder / name) for name in ("ref.test-clean.tsv", "hyp.test-clean.rnnt_baseline.tsv")]
    monkeypatch.setattr(sys, "argv", ["asr", "score", *files])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    out = capsys.readouterr().out
    assert ended.value.code in (0, None)
    assert re.sub(" +", " ", out).startswith(
        "utterances 2620\nwords 52576\nsubstitutions 1501\ninsertions 195\ndeletions 225\n"
        "WER 3.65376 % 1921 errors in 52576 words\n"
    )
