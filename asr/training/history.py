"""A run's log as what rules ask of it. Rows in, numbers out; the same for a live run, a resumed one and a report.

Rows are those of log.jsonl: one `facts` (what was known before the first step), `step` and `validation`. A row of an
older version lacks what that version did not know, and a question about it is answered by None or an empty list.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import ceil
from statistics import fmean, median
from typing import Any

Row = dict[str, Any]
_RECENT = 5  # log lines that are the present: one may hold a single odd batch
_ROWS = 10  # log lines without which a stretch says nothing
_EPOCHS, _MANY = 4, 500  # with fewer epochs, stretches are a tenth of the run if that is so many steps
_KEYS = ("loss", "blanks_loss", "even_loss", "gradient_norm", "epoch")


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Something worth saying of a run: its name, what is seen, and the remedy with the key to change.

    `normal` is what every run goes through and nobody needs to mend; `past` was said earlier and holds no more.
    """

    name: str
    words: str
    remedy: str = ""
    normal: bool = False
    past: bool = False

    def __str__(self) -> str:
        return f"{self.name}: {self.words}" + (f"; {self.remedy}" if self.remedy else "")


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of a run: the loss over what only blanks cost on the same utterances, on average and as a rule (median),
    and over what an untrained model's even output costs; the gradient's norm, on average and as a rule.

    `fair`: its batches are as long as any other stretch's, as they are not in an epoch that runs from short to long.
    """

    of_blanks: float
    usually_of_blanks: float
    of_even: float
    norm: float
    usual_norm: float
    fair: bool

    @classmethod
    def of(cls, rows: Sequence[Row], fair: bool) -> "Stretch":
        """The stretch of these rows, each of which has all that is needed."""
        loss, blanks, even, norm = (fmean(row[key] for row in rows) for key in _KEYS[:4])
        usually = median(row["loss"] / row["blanks_loss"] for row in rows)
        return cls(loss / blanks, usually, loss / even, norm, median(row["gradient_norm"] for row in rows), fair)


@dataclass(frozen=True)
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
        return max((float(row.get("progress", 0.0)) for row in (*self.steps[-1:], *self.validations[-1:])), default=0.0)

    def values(self, key: str, rows: Sequence[Row] | None = None) -> list[float]:
        """The numbers of a key in the steps, or in `rows`, where it is one."""
        found = (row.get(key) for row in (self.steps if rows is None else rows))
        return [float(v) for v in found if isinstance(v, int | float)]

    def now(self, key: str, count: int = _RECENT) -> float | None:
        """The median of a key over the last steps in the log; None where it is unknown."""
        values = self.values(key, self.steps[-count:])
        return median(values) if values else None

    def ratios(self, key: str, other: str, rows: Sequence[Row] | None = None) -> list[float]:
        """A key over another in the steps, or in `rows`, that have both."""
        pairs = ((row.get(key), row.get(other)) for row in (self.steps if rows is None else rows))
        return [a / b for a, b in pairs if isinstance(a, int | float) and isinstance(b, int | float) and b > 0]

    def known(self, key: str) -> float | None:
        """A fact that is a number."""
        value = self.facts.get(key)
        return float(value) if isinstance(value, int | float) else None

    def said(self, name: str) -> bool:
        """Whether a log line of this run has said so already."""
        return any(name in str(row.get("word", "")).split(", ") for row in self.steps)

    @property
    def best_wer(self) -> float:
        """The lowest word error rate so far; 1 before the first validation."""
        return min(self.values("wer", self.validations), default=1.0)

    @cached_property
    def stretches(self) -> list[Stretch]:
        """The run in equal stretches up to now, the oldest first; none in logs without the batches' own yardsticks.

        They are whole epochs, since those hold the same utterances: their mean loss fell from each to the next in every
        run on tones that learned, while that of a tenth of the first epoch, from short to long, went 3.7, 5.8, 2.3, …,
        1.0, 2.1. Long runs of few epochs have shorter ones, unless lengths rise in every epoch.
        """
        rows = [row for row in self.steps if all(isinstance(row.get(key), int | float) for key in _KEYS)]
        rows = [row for row in rows if row["blanks_loss"] > 0 and row["epoch"] > 0]
        if not rows or not self.progress:
            return []
        last, sorting = rows[-1]["epoch"], self.facts.get("sortagrad", "first_epoch")
        epoch, total = len(rows) / last, last / self.progress
        steps = 0.1 * rows[-1]["step"] / self.progress
        few = total < _EPOCHS - 0.1 and steps > _MANY and sorting != "always"
        length = max(0.1 * total, 2 * _ROWS / epoch) if few else max(1, ceil(_ROWS / epoch - 0.01))
        last = last if few else int(last / length + 1e-6) * length  # whole epochs
        found: list[list[Row]] = [[] for _ in range(int(last / length + 1e-6))]
        for row in (row for row in rows if row["epoch"] < last + 1e-6):
            back = int((last - row["epoch"]) / length + 1e-6)
            if back < len(found):
                found[-1 - back].append(row)
        begins = (last - length * back for back in range(len(found), 0, -1))
        return [
            Stretch.of(part, sorting != "first_epoch" or begin > 1 - 1e-6)
            for part, begin in zip(found, begins, strict=True)
            if len(part) >= _ROWS // 2
        ]
