"""`asr align` from end to end: a tiny model that learned tones finds them again, and the wrong transcripts."""

import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from tones import RATE, sound, tiny_tree, write_corpus
from verbs import Verb

from asr.config import config_from_tree
from asr.runs import run_training


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder beside the corpus it learned."""
    home = tmp_path_factory.mktemp("home")
    write_corpus(home, train=36, dev=20)
    tree = tiny_tree(home, epochs=6, lr=0.02, log_every=50, validate_every=3, average=2)
    assert run_training(config_from_tree(tree), home / "run", resume=False, say=lambda line: None)
    return home / "run"


@pytest.fixture
def align(verb: Verb) -> Verb:
    """`asr align …`."""
    return partial(verb, "align")


def _rows(manifest: Path) -> list[dict]:
    return [json.loads(line) for line in manifest.read_text().splitlines()]


def _rewritten(manifest: Path, changes: dict[int, dict]) -> Path:
    rows = [row | changes.get(i, {}) for i, row in enumerate(_rows(manifest))]
    other = manifest.with_name("other.jsonl")
    other.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return other


def _edges(wave: np.ndarray) -> list[tuple[float, float]]:
    """Where the words of a recording of tones begin and end, in seconds: silence between words lasts 75 ms or more."""
    loud = np.flatnonzero(np.abs(wave) >= 0.05)
    gaps = np.flatnonzero(np.diff(loud) > 600)
    starts, ends = [loud[0], *loud[gaps + 1]], [*loud[gaps], loud[-1]]
    return [(start / RATE, end / RATE) for start, end in zip(starts, ends, strict=True)]


def test_words_are_where_the_tones_are(trained: Path, align: Verb) -> None:
    code, out, _ = align(trained, trained.parent / "dev.jsonl")
    assert code == 0 and out.startswith("0 of 20 transcripts may be wrong (gap above 0.5")
    assert f"written: {trained}/alignments/dev.ctm, {trained}/alignments/dev.suspects.tsv\n" in out
    lines = [line.split() for line in (trained / "alignments" / "dev.ctm").read_text().splitlines()]
    for i, row in enumerate(_rows(trained.parent / "dev.jsonl")):
        words = [fields for fields in lines if fields[0] == row["id"]]
        assert [fields[4] for fields in words] == row["text"].split()
        for (_, channel, start, duration, _, confidence), edges in zip(
            words, _edges(sound(row["text"], seed=i + 100)), strict=True
        ):
            assert channel == "1" and 0 < float(confidence) <= 1
            # a CTC model says a letter anywhere within its tone of 120 ms
            assert (float(start), float(start) + float(duration)) == pytest.approx(edges, abs=0.15)


def test_wrong_transcripts_are_printed_worst_first(trained: Path, align: Verb, tmp_path: Path) -> None:
    wrong = _rewritten(trained.parent / "dev.jsonl", {11: {"text": "AB, CD!"}, 14: {"text": "da da bc"}})
    rows = _rows(trained.parent / "dev.jsonl")
    code, out, _ = align(trained, wrong, "--format", "json", "--out", tmp_path / "found.jsonl", "--worst", "1")
    listed = [line.split("\t") for line in (tmp_path / "found.suspects.tsv").read_text().splitlines()]
    assert code == 0 and out.startswith("2 of 20 transcripts may be wrong")
    assert listed[0] == ["gap", "id", "said", "heard"] and {row[1] for row in listed[1:]} == {"dev-11", "dev-14"}
    assert {(row[2], row[3]) for row in listed[1:]} == {("ab cd", rows[11]["text"]), ("da da bc", rows[14]["text"])}
    assert float(listed[1][0]) >= float(listed[2][0])
    assert f"{listed[1][1]}\n    said   {listed[1][2]}\n    heard  {listed[1][3]}\n" in out and listed[2][1] not in out
    aligned = _rows(tmp_path / "found.jsonl")
    assert [row["id"] for row in aligned] == [row["id"] for row in rows]
    fields = {"id", "duration", "text", "words", "tokens", "score", "gap"}
    assert all(row.keys() == fields and row["score"] < 0 <= row["gap"] for row in aligned)
    assert all("".join(token["token"] for token in row["tokens"]) == row["text"] for row in aligned)
    assert sorted(aligned, key=lambda row: -row["gap"])[0]["id"] == listed[1][1]


def test_what_cannot_be_aligned_is_said_after_the_rest_is_written(trained: Path, align: Verb, tmp_path: Path) -> None:
    changes = {2: {"text": "ab né"}, 5: {"text": "abcd" * 40}, 7: {"audio": "gone.wav"}}
    manifest = _rewritten(trained.parent / "dev.jsonl", changes)
    code, out, err = align(trained, manifest, "--format", "textgrid", "--out", tmp_path / "grids")
    assert code == 2 and "of 17 transcripts may be wrong" in out
    errors = [line for line in err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 3 and "Traceback" not in err
    assert any(e.startswith("error: utt dev-2: 'n' (U+006E") for e in errors)
    assert any(e.startswith("error: utt dev-5: 160 labels need at least 160 frames but the model") for e in errors)
    assert any(e.startswith("error: utt dev-7: ") and "gone.wav" in e for e in errors)
    left = {f"dev-{i}.TextGrid" for i in range(20)} - {"dev-2.TextGrid", "dev-5.TextGrid", "dev-7.TextGrid"}
    assert {path.name for path in (tmp_path / "grids").iterdir()} == left | {"other.suspects.tsv"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["{run}", "{dev}", "--format", "srt"], "--format srt: is unknown; expected one of ctm, textgrid, json"),
        (["{run}", "gone.jsonl"], "gone.jsonl: no such manifest"),
        (["gone", "{dev}"], "gone"),
        (["{run}", "{dev}", "--out", "{dev}/x"], "dev.jsonl"),
    ],
)
def test_mistakes_are_one_line(trained: Path, align: Verb, arguments: list[str], said: str) -> None:
    places = {"run": trained, "dev": trained.parent / "dev.jsonl"}
    code, out, err = align(*(argument.format(**places) for argument in arguments))
    assert (code, out) == (2, "") and err.startswith("error: ") and err.count("\n") == 1 and said in err
