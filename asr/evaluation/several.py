"""Evaluations of several corpora in one table."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from asr.evaluation.figures import percent, spread
from asr.evaluation.intervals import read_interval

_HEAD = ("", "utterances", "words", "S", "D", "I", "WER", "95 %", "CER", "SER")


def folder_names(manifests: Sequence[Path], split: str | None) -> list[str]:
    """A name for the results of each manifest, all different: its own, with its folder's before it where needed."""
    short = [f"{path.name}-{split or 'test'}" if path.is_dir() else path.stem for path in manifests]
    longer = [
        name if short.count(name) == 1 else f"{path.absolute().parent.name}-{name}"
        for name, path in zip(short, manifests, strict=True)
    ]
    return [name if longer.count(name) == 1 else f"{i}-{name}" for i, name in enumerate(longer, 1)]


def render_table(folders: Sequence[Path]) -> str:
    """A line for each folder of results, named after it: counts and rates in per cent, WER with its interval."""
    rows = [_HEAD, *(_cells(folder) for folder in folders)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = (
        "  ".join([row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True))])
        for row in rows
    )
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _cells(folder: Path) -> tuple[str, ...]:
    found: dict[str, Any] = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    counts = (found[key] for key in ("utterances", "reference_words", "substitutions", "deletions", "insertions"))
    return (
        folder.name,
        *map(str, counts),
        percent(found["wer"]),
        spread(read_interval(found["intervals"], "wer", "utterances")),
        percent(found["cer"]),
        percent(found["wrong_utterances"] / max(1, found["utterances"])),
    )
