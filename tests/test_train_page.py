"""A run writes its page while it trains, with the transcripts its log keeps."""

from pathlib import Path

import pytest
from tones import tiny_tree, write_corpus

from asr import runs
from asr.config import config_from_tree
from asr.training.journal import Journal, read_log


def test_the_page_is_written_while_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_corpus(tmp_path, train=12, dev=6)
    run, seen = tmp_path / "run", []
    record = Journal.record

    def look(self: Journal, row: dict) -> None:
        record(self, row)
        seen.append((run / "train.html").read_text() if (run / "train.html").exists() else "")

    monkeypatch.setattr(Journal, "record", look)
    assert runs.run_training(config_from_tree(tiny_tree(tmp_path, epochs=3)), run, False, lambda line: None)
    pages = [page for page in dict.fromkeys(seen) if page]
    assert len(pages) == 2, "one after each validation but the last, when no row follows"
    rows = read_log(run / "log.jsonl")
    last = (run / "train.html").read_text()
    assert last not in pages and f"step {rows[-1]['step']}, epoch 3.00" in last
    samples = [row["samples"] for row in rows if row["kind"] == "validation"]
    assert len(samples) == 3 and [s["id"] for s in samples[0]] == ["dev-0", "dev-1", "dev-3", "dev-4"]
    assert all(s.keys() == {"id", "reference", "hypothesis"} and s["reference"] in last for s in samples[-1])


def test_a_run_that_breaks_leaves_a_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_corpus(tmp_path, train=12, dev=6)
    record = Journal.record

    def break_off(self: Journal, row: dict) -> None:
        record(self, row)
        if row["step"] == 2:
            raise RuntimeError("broken")

    monkeypatch.setattr(Journal, "record", break_off)
    with pytest.raises(RuntimeError, match="broken"):
        runs.run_training(config_from_tree(tiny_tree(tmp_path)), tmp_path / "run", False, lambda line: None)
    assert "step 2" in (tmp_path / "run" / "train.html").read_text()
