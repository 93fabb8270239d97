"""What the numbers of a log say of a run, in words. What people ask in their first hour.

Pure functions over the rows of log.jsonl, so that the live log, the report and a resumed run say the same.
"""

from collections.abc import Sequence
from dataclasses import replace

from asr.training.history import Diagnosis, History, Row
from asr.training.rules import data, learning


def diagnose(rows: Sequence[Row]) -> list[Diagnosis]:
    """All that is to be said of a run as its log stands, what is wrong before what is normal."""
    history = History.of(rows)
    if not history.steps:
        return []
    found = [rule(history) for rule in (*learning.RULES, *data.RULES)]
    return sorted((d for d in found if d is not None), key=lambda d: d.normal)


def word_on(rows: Sequence[Row]) -> str:
    """The names of what is to be said of how the run learns, for a log line; empty where there is nothing.

    The clock has no say in it, so that a resumed run logs what one never stopped does.
    """
    history = History.of(rows)
    return ", ".join(d.name for rule in learning.RULES if (d := rule(history)) is not None)


def diagnose_all(rows: Sequence[Row]) -> list[Diagnosis]:
    """What is to be said of a run, and what was wrong earlier and is no more: a run may end ruined and quiet.

    The log says when: a rule is asked about the rows up to the last line that has its name.
    """
    now, last = diagnose(rows), dict[str, int]()
    for place, row in enumerate(rows):
        if row["kind"] == "step":
            last |= dict.fromkeys(filter(None, str(row.get("word", "")).split(", ")), place)
    for d in now:
        last.pop(d.name, None)
    return now + [
        replace(d, words=f"until step {rows[place]['step']}: {d.words}", past=True)
        for name, place in last.items()
        for d in diagnose(rows[: place + 1])
        if d.name == name and not d.normal
    ]
