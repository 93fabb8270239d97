"""The page about an evaluation of a model that never learned: all its errors, pictures of the worst, facts, fields."""

import json
import re
from pathlib import Path

import pytest
import torch
from tones import tiny_tree, write_corpus

from asr import reporting
from asr.build import build_system, fit_features, read_training_data
from asr.cli.parts import recogniser_of
from asr.config import config_from_tree
from asr.evaluating import evaluate_manifest


def test_a_picture_that_fails_costs_no_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object) -> str:
        raise ValueError("no such glyph")

    monkeypatch.setattr(reporting, "draw_utterance", fail)
    write_corpus(tmp_path / "corpus")
    config = config_from_tree(tiny_tree(tmp_path / "corpus"), where="tiny")
    data = read_training_data(config, lambda line: None)
    system = build_system(config, data.tokenizer, torch.device("cpu"))
    fit_features(system, data)
    (tmp_path / "run").mkdir()
    manifest = tmp_path / "corpus" / "dev.jsonl"
    folder = evaluate_manifest(system, recogniser_of(system), tmp_path / "run", manifest, None, None)
    page = (folder / "report.html").read_text()
    assert "It could not be drawn (ValueError: no such glyph)." in page and "data:image" not in page


def test_the_page_of_an_evaluation(tmp_path: Path) -> None:
    write_corpus(tmp_path / "corpus", speaker="anna", extra={"room": "hall"})
    lines = (tmp_path / "corpus" / "train.jsonl").read_text().splitlines()
    rows = [json.loads(line) | {"room": "hall" if i % 2 else "bath"} for i, line in enumerate(lines)]
    rows[0] |= {"text": "a word nobody can spell: é"}
    manifest = tmp_path / "corpus" / "some.jsonl"
    manifest.write_text("".join(json.dumps(row) + "\n" for row in rows))
    config = config_from_tree(tiny_tree(tmp_path / "corpus") | {"seed": 31}, where="tiny")
    data = read_training_data(config, lambda line: None)
    system = build_system(config, data.tokenizer, torch.device("cpu"))
    fit_features(system, data)
    (tmp_path / "run").mkdir()
    folder = evaluate_manifest(system, recogniser_of(system), tmp_path / "run", manifest, None, None)
    page = (folder / "report.html").read_text()
    summary = json.loads((folder / "summary.json").read_text())
    assert f'<b id="wer">{100 * summary["wer"]:.2f} %</b>' in page and summary["wer"] > 0
    assert page.count("data:image/png;base64,") == 5
    assert page.count("data:audio/wav;base64,") == 12
    assert "<h3>room</h3>" in page and "hall" in page and "bath" in page
    assert re.search(r"<dt>data hash</dt><dd>sha256 [0-9a-f]{64}</dd>", page) and "<dt>seed</dt><dd>31</dd>" in page
    assert "hidden_size: 24" in page
