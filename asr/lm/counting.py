"""Counts of the n-grams of a text that need not fit into memory: sorted runs, on disk where they are too many, merged.

Knows sorting and disks; does not know what the counts are for. What comes out does not depend on the memory given.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from asr.lm.kernels.rows import rows_up_to, sort_rows, sum_equal, windows
from asr.lm.kernels.text import BEGIN_ID


class Run(NamedTuple):
    """Distinct n-grams, rows (n, k) int32, sorted from the last word to the first, and counts (n,) int64."""

    rows: np.ndarray
    counts: np.ndarray

    @property
    def nbytes(self) -> int:
        """Bytes of both arrays."""
        return int(self.rows.nbytes + self.counts.nbytes)


def count_grams(ids: Iterable[np.ndarray], order: int, memory: int, scratch: Path) -> Run:
    """How often each n-gram of `order` words stands in sentences of ids that end in </s>, <s> filling up their start.

    `memory`: bytes for what is being counted; beyond them runs go to files in the folder `scratch`, and so does the
    result, which is then a map of a file there.
    """
    runs: list[Run] = []
    held = 0
    for run in _runs(ids, order, max(64, memory // 4 // (4 * order + 8))):  # a run is sorted into a second of its size
        if held + run.nbytes > memory // 2:
            run = _spill([run], order, scratch / f"run{len(runs)}")
        else:
            held += run.nbytes
        runs.append(run)
    if len(runs) > 1 and any(isinstance(run.rows, np.memmap) for run in runs):
        return _spill(_merge(runs, max(64, memory // 4 // len(runs) // (4 * order + 8))), order, scratch / "merged")
    return runs[0] if len(runs) == 1 else _sorted(runs, order)


def blocks_of(run: Run, size: int) -> Iterator[Run]:
    """The run in pieces of at most `size` n-grams."""
    for i in range(0, len(run.counts), size):
        yield Run(np.asarray(run.rows[i : i + size]), np.asarray(run.counts[i : i + size]))


def _runs(ids: Iterable[np.ndarray], order: int, room: int) -> Iterator[Run]:
    """The n-grams in runs of at most `room` before equal ones are made one."""
    history = np.full(order, BEGIN_ID, np.int32)
    rows, n = np.empty((room, order), np.int32), 0
    for part in ids:
        at = 0
        while at < len(part):
            at, n = windows(part, at, history, rows, n)
            if n == room:
                yield _sorted([Run(rows, np.ones(n, np.int64))], order)
                rows, n = np.empty((room, order), np.int32), 0
    if n:
        yield _sorted([Run(rows[:n], np.ones(n, np.int64))], order)


def _sorted(runs: list[Run], order: int) -> Run:
    """All n-grams of the runs in one; the arrays of a single run are used up."""
    if not runs:
        return Run(np.empty((0, order), np.int32), np.empty(0, np.int64))
    run = runs[0] if len(runs) == 1 else Run(*(np.concatenate(arrays) for arrays in zip(*runs, strict=True)))
    spare = Run(np.empty_like(run.rows), np.empty_like(run.counts))
    if sort_rows(*run, *spare) % 2:
        run = spare
    n = sum_equal(*run)
    return Run(run.rows[:n].copy(), run.counts[:n].copy())


def _merge(runs: list[Run], size: int) -> Iterator[Run]:
    """All n-grams of the runs in order: again and again those of the next `size` of each that no later one precedes."""
    at = [0] * len(runs)
    while any(i < len(run.counts) for i, run in zip(at, runs, strict=True)):
        heads = [Run(run.rows[i : i + size], run.counts[i : i + size]) for i, run in zip(at, runs, strict=True)]
        lasts = [
            head.rows[-1:]
            for head, i, run in zip(heads, at, runs, strict=True)
            if i + len(head.counts) < len(run.counts)
        ]
        if lasts:
            first = _sorted([Run(np.concatenate(lasts), np.ones(len(lasts), np.int64))], runs[0].rows.shape[1])
            cuts = [int(rows_up_to(np.asarray(head.rows), first.rows[0])) for head in heads]
            heads = [Run(head.rows[:cut], head.counts[:cut]) for head, cut in zip(heads, cuts, strict=True)]
        yield _sorted([Run(*(np.array(array) for array in head)) for head in heads], runs[0].rows.shape[1])
        at = [i + len(head.counts) for i, head in zip(at, heads, strict=True)]


def _spill(runs: Iterable[Run], order: int, stem: Path) -> Run:
    """The runs one behind the other in two files, mapped into memory."""
    rows, counts, n = stem.with_suffix(".rows"), stem.with_suffix(".counts"), 0
    with rows.open("wb") as f, counts.open("wb") as g:
        for run in runs:
            run.rows.tofile(f)
            run.counts.tofile(g)
            n += len(run.counts)
    return Run(np.memmap(rows, np.int32, "r", shape=(n, order)), np.memmap(counts, np.int64, "r", shape=(n,)))
