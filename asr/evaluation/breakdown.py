"""Error rates of parts of a corpus: by a name, such as the speaker's, or by a number in ranges, such as duration."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from asr.evaluation.significance import Interval, interval

Row = dict[str, Any]
_RANGES = 5  # of a number, with as many utterances each
_NAMES = 200  # more different values are no grouping, but a name of each utterance
_SHOWN = 40


@dataclass(frozen=True, slots=True)
class Part:
    """The utterances with one value: how many, their words and errors, and the interval of their rate."""

    label: str
    utterances: int
    words: int
    substitutions: int
    deletions: int
    insertions: int
    interval: Interval | None

    @property
    def errors(self) -> int:
        """Substitutions, deletions and insertions together."""
        return self.substitutions + self.deletions + self.insertions

    @property
    def rate(self) -> float | None:
        """Word error rate, a fraction; None without a word."""
        return self.errors / self.words if self.words else None


@dataclass(frozen=True, slots=True)
class Breakdown:
    """The parts of a corpus by one property; `hidden` of them are left out, those with the fewest words."""

    title: str
    parts: tuple[Part, ...]
    hidden: int


def by_name(title: str, rows: Sequence[Row], values: Sequence[Any]) -> Breakdown | None:
    """Parts by a value each, worst first; None where there are not at least 2 and at most 200 values."""
    groups: dict[str, list[Row]] = defaultdict(list)
    for row, value in zip(rows, values, strict=True):
        groups["(unknown)" if value is None else str(value)].append(row)
    if not 2 <= len(groups) <= _NAMES or len(groups) > max(2, len(rows) // 2):
        return None
    parts = sorted((_part(*group) for group in groups.items()), key=lambda part: -part.words)
    kept = sorted(parts[:_SHOWN], key=lambda part: (-(part.rate or 0.0), part.label))
    return Breakdown(title, tuple(kept), len(parts) - len(kept))


def by_number(title: str, rows: Sequence[Row], values: Sequence[float | None], form: str = ".1f") -> Breakdown | None:
    """Parts by ranges that hold about as many utterances each, in order; None where all values are the same."""
    known = [(row, value) for row, value in zip(rows, values, strict=True) if value is not None and np.isfinite(value)]
    numbers = np.array([value for _, value in known])
    edges = np.unique(np.quantile(numbers, np.linspace(0, 1, _RANGES + 1))) if len(numbers) else numbers
    if len(edges) < 3:
        return None
    which = np.clip(np.searchsorted(edges, numbers, side="right") - 1, 0, len(edges) - 2)
    parts = []
    for i in range(len(edges) - 1):
        inside = [pair for pair, at in zip(known, which, strict=True) if at == i]
        if inside:
            ends = [f"{end([value for _, value in inside]):{form}}" for end in (min, max)]
            parts.append(_part(" – ".join(dict.fromkeys(ends)), [row for row, _ in inside]))
    return Breakdown(title, tuple(parts), 0)


def by_any(title: str, rows: Sequence[Row], values: Sequence[Any]) -> Breakdown | None:
    """By ranges where there are many numbers, by the values elsewhere."""
    known = [value for value in values if value is not None]
    if known and all(isinstance(v, int | float) and not isinstance(v, bool) for v in known) and len(set(known)) > 12:
        return by_number(title, rows, values, ".4g")
    return by_name(title, rows, [None if isinstance(value, list | dict) else value for value in values])


def _part(label: str, rows: Sequence[Row]) -> Part:
    s, d, i, n = ([row[key] for row in rows] for key in ("substitutions", "deletions", "insertions", "reference_words"))
    spread = interval([sum(e) for e in zip(s, d, i, strict=True)], n)
    return Part(label, len(rows), sum(n), sum(s), sum(d), sum(i), spread)
