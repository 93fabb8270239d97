"""A run's log as what rules ask of it. Rows in, numbers out; the same for a live run, a resumed one and a report.

Rows are those of log.jsonl: one `facts` (what was known before the first step), `step` and `validation`. A row of an
older version lacks what that version did not know, and a question about it is answered by None or an empty list.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np

Row = dict[str, Any]
_RECENT = 5  # log lines that are the present: one may hold a single odd batch


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Something worth saying of a run: its name, what is seen, and the remedy with the key to change.

    `normal` is what every run goes through and nobody needs to mend.
    """

    name: str
    words: str
    remedy: str = ""
    normal: bool = False

    def __str__(self) -> str:
        return f"{self.name}: {self.words}" + (f"; {self.remedy}" if self.remedy else "")


@dataclass(frozen=True, slots=True)
class History:
    """The rows of a run, by kind and in order."""

    facts: Row
    steps: Sequence[Row]
    validations: Sequence[Row]

    @classmethod
    def of(cls, rows: Sequence[Row]) -> "History":
        """The history in rows of a log; rows of other kinds are passed over."""
        facts = next((row for row in rows if row["kind"] == "facts"), {})
        return cls(facts, *([row for row in rows if row["kind"] == kind] for kind in ("step", "validation")))

    @property
    def progress(self) -> float:
        """Share of the run that is over."""
        return float(self.steps[-1].get("progress", 0.0)) if self.steps else 0.0

    def values(self, key: str, rows: Sequence[Row] | None = None) -> list[float]:
        """The numbers of a key in the steps, or in `rows`, where it is one."""
        found = (row.get(key) for row in (self.steps if rows is None else rows))
        return [float(v) for v in found if isinstance(v, int | float)]

    def now(self, key: str, count: int = _RECENT) -> float | None:
        """The median of a key over the last steps in the log; None where it is unknown."""
        values = self.values(key, self.steps[-count:])
        return median(values) if values else None

    def lowest(self, key: str) -> float | None:
        """The lowest median of any so many neighbouring steps in the log, of which none is in two."""
        values = np.asarray(self.values(key))
        windows = values[: len(values) // _RECENT * _RECENT].reshape(-1, _RECENT)
        return float(np.median(windows, axis=1).min()) if len(windows) else None

    def known(self, key: str) -> float | None:
        """A fact that is a number."""
        value = self.facts.get(key)
        return float(value) if isinstance(value, int | float) else None
