"""Evaluations of the same utterances side by side: is one recogniser better than another, and where?"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from asr.errors import ManifestError
from asr.evaluation.errors import align_words
from asr.evaluation.figures import both, p_value, percent
from asr.evaluation.matched import holm
from asr.evaluation.report import aligned_lines
from asr.evaluation.segments import segments
from asr.evaluation.significance import Difference, difference, interval
from asr.evaluation.texts import read_rows

Row = dict[str, Any]
_LISTED = 10  # utterances that changed most, in the text
_TEXTS = ("id", "reference", "hypothesis")
_SHOWN = 0.05  # of both tests' p-values, for a difference
_COUNTS = ("substitutions", "deletions", "insertions", "reference_words")


@dataclass(frozen=True, slots=True)
class Side:
    """One evaluation: where it lies, and its lines of results.jsonl by id."""

    name: str
    rows: dict[str, Row]

    @property
    def errors(self) -> list[int]:
        """Word errors of each utterance."""
        return [_errors(row) for row in self.rows.values()]

    @property
    def words(self) -> list[int]:
        """Words in the reference of each utterance."""
        return [row["reference_words"] for row in self.rows.values()]

    @property
    def speakers(self) -> list[str] | None:
        """Who speaks each utterance; None where one is not known."""
        names = [row.get("speaker") for row in self.rows.values()]
        return None if None in names else [str(name) for name in names]

    @property
    def wer(self) -> float | None:
        """Word error rate, a fraction; None without a word."""
        return sum(self.errors) / sum(self.words) if any(self.words) else None

    def spread(self) -> str:
        """The bootstrap intervals of the word error rate, over utterances and, where speakers are known, over these."""
        over = interval(self.errors, self.words, self.speakers) if self.speakers else None
        return both(interval(self.errors, self.words), over)


@dataclass(frozen=True, slots=True)
class Comparison:
    """An evaluation B against the first one, A, over the same utterances in the same order.

    `p` is the larger one of the two tests', corrected where A is compared with `among` evaluations.
    """

    a: Side
    b: Side
    difference: Difference
    segments: int  # of the matched-pair test
    p: float
    among: int = 1

    def changed(self) -> list[tuple[int, Row, Row]]:
        """(errors of B less those of A, A's line, B's line) where they differ, those that got worst last."""
        both = zip(self.a.rows.values(), self.b.rows.values(), strict=True)
        pairs = ((_errors(b) - _errors(a), a, b) for a, b in both)
        return sorted((pair for pair in pairs if pair[0]), key=lambda pair: (pair[0], pair[1]["id"]))

    def verdict(self) -> str:
        """What may be said of the two, in words."""
        found = self.difference
        exact = ", exact" if found.z is None else ""
        numbers = (
            f"{p_value(found.p_bootstrap)} (paired bootstrap), "
            f"{p_value(found.p_matched)} (matched pairs, {self.segments} segments{exact})"
        )
        if self.among > 1:
            numbers += f"; {p_value(self.p)} corrected for {self.among} comparisons"
        if self.p < _SHOWN:
            return f"B is {'better' if found.rate < 0 else 'worse'}: {numbers}{self._for_other_speakers()}"
        few = self._too_few()
        return f"{f'too few {few} to tell' if few else 'no difference shown'}: {numbers}"

    def _too_few(self) -> str:
        """What there is too little of: had all been on one side, p would still be too large. Else empty."""
        utterances = len(self.a.rows)
        if self.among * 2.0 ** (1 - min(utterances, self.segments, 1000)) < _SHOWN:
            return ""
        return "utterances" if utterances <= self.segments else "errors"

    def _for_other_speakers(self) -> str:
        p = self.difference.p_speakers
        return "" if p is None or p < _SHOWN else f"; not shown for other speakers than these: {p_value(p)}"


def compare_results(paths: Sequence[Path]) -> list[Comparison]:
    """Each of the results (folders or results.jsonl) after the first compared with the first.

    Raises ManifestError where fewer than two are given, one cannot be read, or they are not of the same utterances.
    """
    if len(paths) < 2:
        raise ManifestError(f"{paths[0]}: is alone; expected two results at least; name another to compare it with")
    first, *others = [_side(path) for path in paths]
    found = [_compared(first, other) for other in others]
    corrected = holm([comparison.p for comparison in found])
    return [replace(comparison, p=p, among=len(found)) for comparison, p in zip(found, corrected, strict=True)]


def render_comparisons(comparisons: Sequence[Comparison]) -> str:
    """The comparisons as text."""
    return "\n".join(_rendered(comparison) for comparison in comparisons)


def _errors(row: Row) -> int:
    return row["substitutions"] + row["deletions"] + row["insertions"]


def _side(path: Path) -> Side:
    file = path / "results.jsonl" if path.is_dir() else path
    rows: dict[str, Row] = {}
    for number, row in enumerate(read_rows(file), 1):
        texts = all(isinstance(row.get(key), str) for key in _TEXTS)
        if not texts or not all(type(row.get(key)) is int for key in _COUNTS):
            raise ManifestError(f"{file}:{number}: no result; expected {', '.join(_TEXTS + _COUNTS)}; evaluate again")
        if row["id"] in rows:
            raise ManifestError(f"{file}:{number}: id {row['id']!r} stands twice; expected unique ids; remove one")
        rows[row["id"]] = row
    if not rows:
        raise ManifestError(f"{file}: holds no result; expected one a line; evaluate again")
    return Side(str(path), rows)


def _compared(a: Side, b: Side) -> Comparison:
    odd = sorted(a.rows.keys() ^ b.rows.keys())
    if odd:
        here, there = (a, b) if odd[0] in a.rows else (b, a)
        raise ManifestError(
            f"{here.name}: utterance {odd[0]!r} (of {len(odd)}) is not in {there.name}; expected the same utterances; "
            "evaluate both on one manifest"
        )
    b = Side(b.name, {id: b.rows[id] for id in a.rows})
    for id, row in a.rows.items():
        if row["reference"] != b.rows[id]["reference"]:
            raise ManifestError(
                f"{b.name}: utterance {id!r} has another reference than in {a.name}; expected the same; "
                "evaluate both with one normalisation"
            )
    texts = ((row["reference"], row["hypothesis"], b.rows[id]["hypothesis"]) for id, row in a.rows.items())
    parts = [part for text in texts for part in segments(*text)]
    found = difference(a.errors, b.errors, a.words, parts, a.speakers)
    return Comparison(a, b, found, len(parts), found.p)


def _rendered(comparison: Comparison) -> str:
    a, b, found = comparison.a, comparison.b, comparison.difference
    changed = comparison.changed()
    better, worse = [c for c in changed if c[0] < 0], [c for c in changed if c[0] > 0][::-1]
    lines = [
        *(f"{letter}  {percent(side.wer)} WER  {side.spread()}  {side.name}" for letter, side in (("A", a), ("B", b))),
        f"B − A  {100 * found.rate:+.2f} points  {both(found.interval, found.speakers, '+')}  "
        f"over {len(a.rows)} utterances, {sum(a.words)} words",
        comparison.verdict(),
        f"{len(better)} utterances got better, {len(worse)} worse, {len(a.rows) - len(changed)} have as many errors",
    ]
    for title, some in (("Better in B, most first", better), ("Worse in B, most first", worse)):
        lines += ["", title, *(line for change in some[:_LISTED] for line in _shown(*change))] if some else []
    return "\n".join(lines) + "\n"


def _shown(change: int, a: Row, b: Row) -> list[str]:
    sides = [aligned_lines(align_words(row["reference"], row["hypothesis"])) for row in (a, b)]
    return [f"{a['id']}   {change:+d}", *(f"  A {line}" for line in sides[0]), *(f"  B {line}" for line in sides[1])]


def comparison_page(comparisons: Sequence[Comparison]) -> str:
    """The comparisons as one HTML page."""
    from asr.evaluation.pages import render_page

    return render_page("comparison.html", comparisons=comparisons, both=both, align=align_words)
