"""A run as a page: curves, milestones, transcripts through time and what is to be said of it, from its log's rows.

One file without scripts or anything from the network, cheap enough to be written again at every validation. Knows
neither trainers nor rules: diagnoses are handed in as plain data.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from asr.evaluation.charts import Line, line_chart
from asr.files import write_text

Row = dict[str, Any]
Chart = tuple[str, list[tuple[str, bool]], str]  # title, names of the lines and whether they are levels, <svg>
_TIMES = 12  # validations whose transcripts are shown: the first, the last and those between, evenly


def write_training_report(rows: Sequence[Row], diagnoses: Sequence[Mapping[str, Any]], name: str, out: Path) -> None:
    """Write the page of a run's rows of log.jsonl to `out`, whole or not at all; nothing while there is no step.

    A diagnosis has `name`, `words`, `remedy`, `normal` (nobody needs to mend it) and `past` (it holds no more).
    """
    from asr.evaluation.pages import render_page  # jinja2 takes a tenth of a second that only this function needs

    steps, validations = (_of_kind(rows, kind) for kind in ("step", "validation"))
    if not steps:
        return
    facts = next(iter(_of_kind(rows, "facts")), {})
    page = render_page(
        "train.html",
        name=name,
        duration=duration,
        last=max((steps[-1], *validations[-1:]), key=lambda row: row["step"]),
        best=min(validations, key=lambda row: row["wer"], default=None),
        facts=facts,
        diagnoses=diagnoses,
        milestones=list(milestones(steps, validations, facts)),
        charts=[chart for chart in charts(steps, validations, facts) if chart[2]],
        transcripts=transcripts(validations),
    )
    write_text(out, page)


def duration(seconds: float) -> str:
    """What somebody would say: 40 s, 8.6 min, 3.2 h."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min" if seconds < 3600 else f"{seconds / 3600:.1f} h"


def _of_kind(rows: Sequence[Row], kind: str) -> list[Row]:
    return [row for row in rows if row.get("kind") == kind]


# ── curves ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def charts(steps: Sequence[Row], validations: Sequence[Row], facts: Row) -> Iterator[Chart]:
    """Every curve, all over the same steps."""
    until = max(row["step"] for row in (steps[-1], *validations[-1:]))

    def chart(title: str, *lines: Line, log: bool = False, unit: str = "") -> Chart:
        names = [(line.name, line.level is not None) for line in lines]
        return title, names, line_chart(title, lines, log=log, unit=unit, until=until)

    yield chart(
        "loss, nats per token", _line(steps, "loss", "training"), _line(validations, "loss", "dev"),
        *_level(facts, "blanks_loss", "only blanks"),
    )  # fmt: skip
    yield chart(
        "error rates on dev", _line(validations, "wer", "WER", 100), _line(validations, "cer", "CER", 100), unit="%"
    )
    yield chart("learning rate", _line(steps, "lr", "learning rate"), log=True)
    yield chart(
        "gradient norm before clipping", _line(steps, "gradient_norm", "gradient norm"),
        *_level(facts, "clip", "clipped above"), log=True,
    )  # fmt: skip
    yield chart(
        "blank share", _line(steps, "blank_share", "frames whose best token is blank", 100),
        _line(steps, "empty_share", "empty transcripts", 100), unit="%",
    )  # fmt: skip
    yield chart("padding share", _line(steps, "padding", "padding", 100), unit="%")
    yield chart("throughput, audio-s/s", _line(steps, "audio_seconds_per_second", "throughput"))
    yield chart("data wait, share of the time", _line(steps, "data_wait", "data wait", 100), unit="%")


def _level(facts: Row, key: str, name: str) -> list[Line]:
    return [Line(name, level=facts[key])] if _is_number(facts.get(key)) else []


def _line(rows: Sequence[Row], key: str, name: str, scale: float = 1.0) -> Line:
    return Line(name, [(row["step"], scale * row[key]) for row in rows if _is_number(row.get(key))])


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


# ── milestones and transcripts ────────────────────────────────────────────────────────────────────────────────────────


def milestones(steps: Sequence[Row], validations: Sequence[Row], facts: Row) -> Iterator[tuple[str, Row | None]]:
    """What every run passes, and the row it did at; None where it has not yet."""
    unigram = facts.get("unigram_loss")
    if isinstance(unigram, float):
        below = (row for row in steps if _is_number(row.get("loss")) and row["loss"] < 0.9 * _unigram(row, facts))
        yield "loss below every constant output: it listens", next(below, None)
    if not validations or any(row.get("samples") for row in validations):  # an older log keeps none: nobody knows
        spoken = (row for row in validations if any(sample["hypothesis"] for sample in row.get("samples", ())))
        yield "first transcript that is not empty", next(spoken, None)
    yield "first WER below 100 %", next((row for row in validations if row["wer"] < 1.0), None)
    yield "best WER", min(validations, key=lambda row: row["wer"], default=None)


def _unigram(row: Row, facts: Row) -> float:
    """What the best constant output costs on the very utterances of a row, where the log tells; else on all."""
    own, blanks = row.get("blanks_loss"), facts.get("blanks_loss")
    share = own / blanks if _is_number(own) and _is_number(blanks) and blanks else 1.0
    return float(share * facts["unigram_loss"])


def transcripts(validations: Sequence[Row]) -> list[tuple[Row, list[tuple[Row, str, bool]]]]:
    """Every sample with what was heard through time: its row of the log, the transcript, and whether it is right."""
    with_samples = [row for row in validations if row.get("samples")]
    last = len(with_samples) - 1
    places = sorted({round(i * last / (_TIMES - 1)) for i in range(_TIMES)}) if last >= 0 else []
    through: dict[str, tuple[Row, list[tuple[Row, str, bool]]]] = {}
    for row in (with_samples[place] for place in places):
        for sample in row["samples"]:
            _, heard = through.setdefault(sample["id"], (sample, []))
            heard.append((row, sample["hypothesis"], sample["hypothesis"].split() == sample["reference"].split()))
    return list(through.values())
