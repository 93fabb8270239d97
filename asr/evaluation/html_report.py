"""report.html: everything an evaluation says, one page that needs no server and no network.

Reads results.jsonl and summary.json back, so that it says what they say; counts nothing anew but what they lack.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from asr.evaluation.breakdown import Breakdown, by_any, by_name, by_number
from asr.evaluation.confusions import confusions
from asr.evaluation.errors import Pair, align_words
from asr.evaluation.figures import spread
from asr.evaluation.intervals import read_interval
from asr.evaluation.pages import render_page
from asr.evaluation.sounds import Sound, clips, noise_ratios
from asr.evaluation.texts import read_rows
from asr.files import write_text

Row = dict[str, Any]
_AUDIO_ROOM = 12_000_000  # characters of embedded clips, six minutes of 16 kHz and 16 bits
_LISTED = 20
_FEWEST_RATED = 20  # words a rating needs to be shown


@dataclass(frozen=True, slots=True)
class Background:
    """What results do not say of themselves: sounds and further fields by utterance id, facts of the run, pictures.

    `pictures` are (utterance id, data: address of an image, or in words why there is none).
    """

    sounds: Mapping[str, Sound] = field(default_factory=dict)
    fields: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)
    config: str = ""
    pictures: Sequence[tuple[str, str]] = ()


def write_page(folder: Path, background: Background | None = None, audio_room: int = _AUDIO_ROOM) -> Path:
    """Write `folder`/report.html from the results beside it; → its path. `audio_room` bounds embedded clips."""
    background = background or Background()
    rows = read_rows(folder / "results.jsonl") if (folder / "results.jsonl").stat().st_size else []
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    alignments = [align_words(row["reference"], row["hypothesis"]) for row in rows]
    worst = suspects(rows)
    order = [row["id"] for row in [*worst, *rows] if row["id"] in background.sounds]
    heard = clips(((id, background.sounds[id]) for id in dict.fromkeys(order)), folder, audio_room)
    page = render_page(
        "report.html",
        summary=summary,
        intervals=summary["intervals"],
        read=read_interval,
        spread=spread,
        table=[_line(row, pairs) for row, pairs in zip(rows, alignments, strict=True)],
        audio=heard,
        worst=[[row["id"], next(iter(_sure_errors(row)), None)] for row in worst[:_LISTED]],
        rated=any(row.get("confidences") for row in rows),
        confusions=confusions(alignments),
        breakdowns=_breakdowns(rows, background),
        calibration=calibration(summary),
        background=background,
    )
    write_text(folder / "report.html", page)
    return folder / "report.html"


def suspects(rows: Sequence[Row]) -> list[Row]:
    """The utterances with errors, first those whose reference is the likeliest to be wrong.

    With confidences that is by the surest word that counts as wrong, then by the next one: many unsure words make a bad
    recording, one that is certain a bad reference. Without, or where words are only missing, by the number of errors.
    """

    def doubt(row: Row) -> tuple[list[float], int, str]:
        return [*(-confidence for confidence, _ in _sure_errors(row)), 0.0], -_errors(row), row["id"]

    return sorted((row for row in rows if _errors(row)), key=doubt)


def _sure_errors(row: Row) -> list[tuple[float, str]]:
    """Confidence and word of those that count as wrong, the surest first."""
    wrong = [(word[1], word[0]) for word in row.get("confidences") or [] if not word[2] and word[1] is not None]
    return sorted(wrong, key=lambda pair: -pair[0])


def calibration(summary: dict[str, Any]) -> list[dict[str, Any]]:
    """The bins of summary.json that hold words, of an evaluation with enough of them; empty without confidences."""
    found = summary.get("confidence") or {"words": 0}
    return [b for b in found["bins"] if b["words"]] if found["words"] >= _FEWEST_RATED else []


def _errors(row: Row) -> int:
    return row["substitutions"] + row["deletions"] + row["insertions"]


def _line(row: Row, pairs: list[Pair]) -> list[Any]:
    """One utterance for the page's script: right words joined into one string, errors as [said, heard]."""
    shown: list[Any] = []
    for said, heard in pairs:
        if said != heard:
            shown.append([said, heard])
        elif shown and isinstance(shown[-1], str):
            shown[-1] += f" {said}"
        else:
            shown.append(said)
    rated = [word[1] for word in row.get("confidences") or [] if word[1] is not None]
    confidence = round(sum(rated) / len(rated), 3) if rated else None
    counts = [row[key] for key in ("substitutions", "deletions", "insertions", "reference_words", "character_errors")]
    return [row["id"], row.get("speaker"), round(row["duration"], 2), *counts, confidence, shown]


def _breakdowns(rows: Sequence[Row], background: Background) -> list[Breakdown]:
    ids, seconds = [row["id"] for row in rows], [row["duration"] for row in rows]
    words = [row["reference_words"] for row in rows]
    known = [background.sounds.get(id) for id in ids]
    ratios = iter(noise_ratios([sound for sound in known if sound is not None]))
    noise = [None if sound is None else next(ratios) for sound in known]
    further = sorted({name for fields in background.fields.values() for name in fields})
    found = [
        by_name("Speaker", rows, [row.get("speaker") for row in rows]),
        by_number("Duration, s", rows, seconds),
        by_number("Words in the reference", rows, words, ".0f"),
        by_number("Words a second", rows, [n / s if s > 0 else None for n, s in zip(words, seconds, strict=True)]),
        by_number("Signal-to-noise ratio, dB (estimated; of 400 recordings at most)", rows, noise),
        *(by_any(name, rows, [background.fields.get(id, {}).get(name) for id in ids]) for name in further),
    ]
    return [breakdown for breakdown in found if breakdown is not None]
