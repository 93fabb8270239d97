"""The search for a decoder's weights: a grid, points drawn all over, then ever smaller steps around the best.

Knows numbers and a function that counts errors; what decodes, and how it is written down, is asr/tuning.
"""

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

Point = tuple[float, ...]  # a value for each axis
Score = tuple[int, int]  # errors in words, then in characters: fewer are better

_DRAWN = 0.25  # share of the trials, where there are more axes than the grid has
_HALVINGS = 4  # of the grid's steps, until nothing in the hundredths of a rate moves any more
_NEAR = 1e-9


@dataclass(frozen=True)
class Axis:
    """A weight and where to look for it: `grid` ascending. Refinement may leave the grid within `least` and `most`."""

    name: str
    grid: tuple[float, ...]
    least: float = -np.inf
    most: float = np.inf

    @property
    def step(self) -> float:
        """The usual distance in the grid."""
        return float(np.median(np.diff(self.grid)))

    def at_edge(self, value: float) -> bool:
        """Whether a better value may lie outside of what was looked at."""
        if value <= self.least + _NEAR or value >= self.most - _NEAR:
            return False  # there is nothing beyond
        return value <= self.grid[0] + _NEAR or value >= self.grid[-1] - _NEAR


@dataclass(frozen=True)
class Trial:
    """Weights that were tried, and the errors they made."""

    point: Point
    score: Score


def search(
    axes: Sequence[Axis], start: Point, count_errors: Callable[[Sequence[Point]], list[Score]], trials: int, seed: int
) -> list[Trial]:
    """At most `trials` trials, `start` the first: count_errors scores many points at a time.

    The first two axes are tried as a grid with the others at `start`, then points are drawn over all axes, then the
    best is moved along each axis and each diagonal of two by steps halved when no move helps. The same arguments give
    the same trials.
    """
    found: dict[Point, Score] = {}

    def look_at(points: Sequence[Point]) -> None:
        new = [p for p in dict.fromkeys(map(_rounded, points)) if p not in found][: trials - len(found)]
        found.update(zip(new, count_errors(new), strict=True))

    look_at([start, *_grid(axes, start)])
    if len(axes) > 2:
        look_at(_drawn(axes, round(_DRAWN * trials), seed))
    for halving in range(_HALVINGS):
        steps, centre = [axis.step / 2 ** (halving + 1) for axis in axes], None
        while centre != (centre := best(_trials(found), start, axes).point) and len(found) < trials:
            look_at(_neighbours(centre, steps, axes))
    return _trials(found)


def best(trials: Sequence[Trial], start: Point, axes: Sequence[Axis]) -> Trial:
    """The trial with the fewest errors; among equals the one nearest to `start`, measured in steps of the axes."""

    def rank(trial: Trial) -> tuple[Score, float, Point]:
        far = [abs(v - s) / axis.step for v, s, axis in zip(trial.point, start, axes, strict=True)]
        return trial.score, round(sum(far), 6), trial.point

    return min(trials, key=rank)


def edges(axes: Sequence[Axis], point: Point) -> list[str]:
    """The axes at whose end the point lies."""
    return [axis.name for axis, value in zip(axes, point, strict=True) if axis.at_edge(value)]


def _trials(found: Mapping[Point, Score]) -> list[Trial]:
    return [Trial(point, score) for point, score in found.items()]


def _rounded(point: Sequence[float]) -> Point:
    return tuple(round(float(value), 4) + 0.0 for value in point)  # + 0.0: no -0.0


def _grid(axes: Sequence[Axis], start: Point) -> list[Point]:
    return [(*head, *start[2:]) for head in itertools.product(*(axis.grid for axis in axes[:2]))]


def _drawn(axes: Sequence[Axis], count: int, seed: int) -> list[Point]:
    """Points spread evenly over each axis (Latin hypercube, McKay et al. 1979)."""
    rng = np.random.default_rng(seed)
    strata = np.stack([rng.permutation(count) for _ in axes], axis=1)
    shares = (strata + rng.random(strata.shape)) / max(1, count)
    low, high = np.array([a.grid[0] for a in axes]), np.array([a.grid[-1] for a in axes])
    return [tuple(row) for row in np.round(low + shares * (high - low), 2)]


def _neighbours(centre: Point, steps: Sequence[float], axes: Sequence[Axis]) -> list[Point]:
    """A step to either side on each axis, and on each two axes at once."""
    moves: list[dict[int, float]] = [{i: s} for i in range(len(axes)) for s in (-1.0, 1.0)]
    for i, j in itertools.combinations(range(len(axes)), 2):
        moves += [{i: a, j: b} for a in (-1.0, 1.0) for b in (-1.0, 1.0)]
    points = [tuple(value + move.get(i, 0.0) * steps[i] for i, value in enumerate(centre)) for move in moves]
    return [tuple(min(axis.most, max(axis.least, v)) for v, axis in zip(p, axes, strict=True)) for p in points]
