"""The picture of a run: drawn from what a log holds, gaps and a cut last line included."""

import json
import re
from pathlib import Path

import pytest

from asr.errors import AsrError
from asr.evaluation.curves import draw_curves

ROWS = [
    {"kind": "step", "step": 1, "loss": 3.0, "lr": 1e-3, "gradient_norm": 2.0, "blank_share": 0.5},
    {"kind": "step", "step": 2, "loss": None, "lr": 2e-3, "word": "plateau"},
    {"kind": "validation", "step": 2, "wer": 0.9, "cer": 0.4, "loss": 2.0, "best": True},
]


def _log(folder: Path, text: str) -> Path:
    (folder / "log.jsonl").write_text(text)
    return folder / "log.jsonl"


def test_png(tmp_path: Path) -> None:
    draw_curves(_log(tmp_path, "\n".join(map(json.dumps, ROWS)) + '\n{"kind": "st'), tmp_path / "curves.png")
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["curves.png", "log.jsonl"]


def test_svg_names_what_the_log_holds_and_nothing_else(tmp_path: Path) -> None:
    draw_curves(_log(tmp_path, "\n".join(map(json.dumps, ROWS))), tmp_path / "curves.svg")
    words = set(re.findall(r"<!-- (.*?) -->", (tmp_path / "curves.svg").read_text()))
    assert {"WER", "CER", "learning rate", "gradient norm", "blank frames", "nats per token"} <= words
    assert "empty hypotheses" not in words


@pytest.mark.parametrize("text", ["", "\n", "{"])
def test_a_log_without_lines(tmp_path: Path, text: str) -> None:
    with pytest.raises(AsrError, match="holds no step yet"):
        draw_curves(_log(tmp_path, text), tmp_path / "curves.png")


def test_no_log(tmp_path: Path) -> None:
    with pytest.raises(AsrError, match="no such log"):
        draw_curves(tmp_path / "log.jsonl", tmp_path / "curves.png")
