"""The journal's rows, what a resumed run keeps of them, and the words on how training goes."""

import json
from pathlib import Path

from asr.training.journal import Journal, describe, truncate_log
from asr.training.state import RunState, Window

STEP = {
    "kind": "step", "step": 10, "epoch": 0.5, "loss": 2.123456789, "lr": 3e-4, "gradient_norm": 1.5,
    "audio_seconds_per_second": 95.4, "data_wait": 0.012, "padding": 0.03, "blank_share": 0.991, "empty_share": 0.75,
    "skipped": 0, "elapsed": 3.0, "word": "plateau of blanks",
}  # fmt: skip
VALIDATION = {
    "kind": "validation", "step": 10, "epoch": 0.5, "wer": 0.25, "cer": 0.1, "loss": 1.0, "best": False,
    "best_wer": 0.2,
}  # fmt: skip


def rows(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_rows_are_on_disk_at_once_and_appended(tmp_path: Path) -> None:
    said: list[str] = []
    for word in ("plateau of blanks", "collapsed"):  # the validation between them had heard words
        journal = Journal(tmp_path / "run", said.append)
        journal.record(STEP)
        assert rows(tmp_path / "run" / "log.jsonl")[-1] == STEP | {"loss": 2.12346, "word": word}
        journal.record(VALIDATION)
        journal.close()
    assert [row["kind"] for row in rows(tmp_path / "run" / "log.jsonl")] == ["step", "validation"] * 2
    assert said[0] == describe(STEP) and list((tmp_path / "run" / "events").glob("events*"))


def test_a_row_as_a_line() -> None:
    line = describe(STEP)
    for part in (
        "loss 2.123 nats/token",
        "lr 3.0e-04",
        "95 audio-s/s",
        "wait 1.2%",
        "blank 99%",
        "empty 75%",
        "plateau of blanks",
    ):
        assert part in line
    assert "WER 25.00%" in describe(VALIDATION) and "best 20.00%" in describe(VALIDATION)
    assert describe(VALIDATION | {"best": True}).endswith("best so far")


def test_truncation_keeps_the_steps_done(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    truncate_log(path, 3)
    assert not path.exists()
    good = [{"kind": "step", "step": step} for step in (1, 2, 3, 3, 4, 5)]
    path.write_text("\n".join(map(json.dumps, good)) + '\n7\n{"kind": "x"}\n{"kind": "step", "st', encoding="utf-8")
    truncate_log(path, 3)
    assert rows(path) == good[:4]
    truncate_log(path, -1)
    assert path.read_text() == "" and [p.name for p in tmp_path.iterdir()] == ["log.jsonl"]


def test_the_state_of_a_run_comes_back_equal() -> None:
    state = RunState(
        3, 5, 70, 12.5, 4.0, 60, 0.2, 1.5, 2, 900.0, 1, 0, ["a", "b"], Window(loss=3.0, waited=0.25, steps=4)
    )
    plain = json.loads(json.dumps(state.plain()))
    assert RunState.from_plain(plain) == state
    assert RunState.from_plain(RunState().plain()) == RunState()
