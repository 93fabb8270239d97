"""Error rates of parts of a corpus: by a name, such as the speaker's, or by a number in ranges, such as duration."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from asr.evaluation.significance import Interval, interval

Row = dict[str, Any]
_RANGES = 5  # of a number, with as many utterances each
_FEW = 12  # different values that are shown one by one
_SHOWN = 40
_UNKNOWN = "(unknown)"


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
    """Parts by a value each, worst first; None where all have one value, or each its own."""
    groups: dict[str, list[Row]] = defaultdict(list)
    for row, value in zip(rows, values, strict=True):
        groups[_UNKNOWN if value is None else str(value)].append(row)
    if not 2 <= len(groups) < len(rows):
        return None
    parts = sorted((_part(*group) for group in groups.items()), key=lambda part: -part.words)
    kept = sorted(parts[:_SHOWN], key=lambda part: (-(part.rate or 0.0), part.label))
    return Breakdown(title, tuple(kept), len(parts) - len(kept))


def by_number(title: str, rows: Sequence[Row], values: Sequence[float | None], form: str = ".1f") -> Breakdown | None:
    """Parts by ranges that hold about as many utterances each, in order, those without a number last.

    Up to five different numbers are parts themselves. None where all are the same, or none is known.
    """
    numbers = [value if value is not None and np.isfinite(value) else None for value in values]
    counts = Counter(number for number in numbers if number is not None)
    which = _ranges(counts)
    groups: dict[int, list[tuple[Row, float]]] = defaultdict(list)
    for row, number in zip(rows, numbers, strict=True):
        groups[_RANGES if number is None else which[number]].append((row, number or 0.0))
    if not counts or len(groups) < 2:
        return None
    parts = []
    for i, group in sorted(groups.items()):
        ends = [f"{end(number for _, number in group):{form}}" for end in (min, max)]
        label = _UNKNOWN if i == _RANGES else " – ".join(dict.fromkeys(ends))
        parts.append(_part(label, [row for row, _ in group]))
    return Breakdown(title, tuple(parts), 0)


def by_any(title: str, rows: Sequence[Row], values: Sequence[Any]) -> Breakdown | None:
    """By ranges where there are many numbers, by the values elsewhere; None of names of a row or two."""
    known = [value for value in values if value is not None]
    different = len({str(value) for value in known})
    if different > _FEW and all(isinstance(v, int | float) and not isinstance(v, bool) for v in known):
        return by_number(title, rows, values, ".4g")
    if different > max(_FEW, len(rows) // 2):
        return None
    return by_name(title, rows, [None if isinstance(value, list | dict) else value for value in values])


def _ranges(counts: Counter[float]) -> dict[float, int]:
    """The range, 0 to 4, of each number: by how many utterances have a smaller one."""
    below, ranges = 0, {}
    for rank, number in enumerate(sorted(counts)):
        ranges[number] = rank if len(counts) <= _RANGES else _RANGES * below // counts.total()
        below += counts[number]
    return ranges


def _part(label: str, rows: Sequence[Row]) -> Part:
    s, d, i, n = ([row[key] for row in rows] for key in ("substitutions", "deletions", "insertions", "reference_words"))
    spread = interval([sum(e) for e in zip(s, d, i, strict=True)], n)
    return Part(label, len(rows), sum(n), sum(s), sum(d), sum(i), spread)
