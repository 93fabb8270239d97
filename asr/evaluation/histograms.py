"""Histograms as inline SVG without scripts: one outline for each of several collections, as shares of each."""

import math
from collections.abc import Sequence
from html import escape

import numpy as np

_WIDTH, _HEIGHT = 360, 160
_LEFT, _RIGHT, _TOP, _BOTTOM = 12, 12, 8, 24  # room for the numbers below
_BINS = (12, 40)  # fewest and most
COLOURS = 6  # classes of lines; further collections begin anew
_TAIL = 0.002  # share of the values at each end that the outermost bins take in, that one stray does not flatten all


def histogram(title: str, collections: Sequence[tuple[str, Sequence[float]]]) -> str:
    """An <svg> of how the finite values of each (name, values) are spread; empty where there are none, or one only.

    Classes s0, s1, … of its lines are the collections in order; heights are shares, those of the highest bin of all.
    """
    finite = [np.array([v for v in values if math.isfinite(v)], float) for _, values in collections]
    every = np.concatenate([*finite, np.zeros(0)])
    if len(np.unique(every)) < 2:
        return ""
    edges = _edges(every, _bins(min(len(v) for v in finite if len(v))))
    shares = [np.histogram(np.clip(v, edges[0], edges[-1]), edges)[0] / max(1, len(v)) for v in finite]
    highest = max(share.max() for share in shares)
    drawn = [_tick(value, edges) for value in _round_numbers(edges[0], edges[-1])]
    drawn += [_outline(i, share / highest) for i, share in enumerate(shares) if len(finite[i])]
    floor = (
        f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{_HEIGHT - _BOTTOM}" y2="{_HEIGHT - _BOTTOM}"/>'
    )
    label = escape(title, quote=True)
    return f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{label}">{floor}{"".join(drawn)}</svg>'


def _bins(count: int) -> int:
    """How many bins so many values fill without being ragged (Rice's rule)."""
    return min(_BINS[1], max(_BINS[0], round(2 * count ** (1 / 3))))


def _edges(values: np.ndarray, bins: int) -> np.ndarray:
    """The edges of the bins: of width 1, 2, … for whole numbers, so that none is on an edge."""
    low, high = np.quantile(values, [_TAIL, 1 - _TAIL])
    if high == low:  # all but a few strays are the same
        low, high = values.min(), values.max()
    if (values == np.rint(values)).all():
        width = max(1, math.ceil((high - low + 1) / bins))
        count = math.ceil((high - low + 1) / width)
        return math.floor(low) - 0.5 + width * np.arange(count + 1)
    return np.linspace(low, high, bins + 1)


def _across(value: float, edges: np.ndarray) -> float:
    share = (value - edges[0]) / (edges[-1] - edges[0])
    return float(_LEFT + share * (_WIDTH - _LEFT - _RIGHT))


def _outline(number: int, heights: np.ndarray) -> str:
    """Steps from the floor over the bins and back to it."""
    width = (_WIDTH - _LEFT - _RIGHT) / len(heights)
    floor, room = _HEIGHT - _BOTTOM, _HEIGHT - _BOTTOM - _TOP
    points = [f"{_LEFT},{floor}"]
    for i, height in enumerate(heights):
        y = f"{floor - room * height:.1f}"
        points += [f"{_LEFT + i * width:.1f},{y}", f"{_LEFT + (i + 1) * width:.1f},{y}"]
    points.append(f"{_WIDTH - _RIGHT},{floor}")
    return f'<polyline class="s{number % COLOURS}" points="{" ".join(points)}"/>'


def _round_numbers(low: float, high: float) -> list[float]:
    """About five round numbers from `low` to `high`."""
    span = high - low
    power = 10.0 ** math.floor(math.log10(span / 5))
    step = next(m * power for m in (1, 2, 5, 10) if span / (m * power) <= 6)
    return [n * step for n in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _tick(value: float, edges: np.ndarray) -> str:
    at = f"{_across(value, edges):.1f}"
    floor = _HEIGHT - _BOTTOM
    mark = f'<line class="grid" x1="{at}" x2="{at}" y1="{floor}" y2="{floor + 4}"/>'
    return f'{mark}<text x="{at}" y="{_HEIGHT - 6}" class="across">{value:.6g}</text>'
