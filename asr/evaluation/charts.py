"""Line charts as inline SVG, small and without scripts: numbers in, markup out. Colours are the page's (CSS)."""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from html import escape
from typing import NamedTuple

_WIDTH, _HEIGHT = 360, 190  # near the pixels it has in a card, so that its letters stay as large as CSS says
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 18, 8, 24  # room for the labels of the axes
_POINTS = 300  # a line; more than one a pixel shows nothing more


class Line(NamedTuple):
    """One line of a chart: its name and points (x, y); `level` is one height for all x, drawn dashed."""

    name: str
    points: Sequence[tuple[float, float]] = ()
    level: float | None = None


def line_chart(title: str, lines: Sequence[Line], *, log: bool = False, unit: str = "", until: float = 0.0) -> str:
    """An <svg> of lines over steps from 0 to at least `until`; y begins at 0, or is logarithmic.

    Values that are not finite, or not positive where logarithmic, leave the line out there. Empty where none is left.
    """
    kept = [line._replace(points=_thinned(_drawable(line.points, log))) for line in lines]
    levels = [line.level for line in kept if line.level is not None and (line.level > 0 or not log)]
    xs = [x for line in kept for x, _ in line.points]
    if not xs:
        return ""
    ys = _scale([y for line in kept for _, y in line.points] + levels, log)
    across = _Axis(0.0, max(until, *xs), _LEFT, _WIDTH - _RIGHT)
    up = _Axis(ys[0], ys[-1], _HEIGHT - _BOTTOM, _TOP, log)
    drawn = [f'<text x="{_LEFT - 10}" y="{_HEIGHT - 6}" class="axis">step</text>']
    drawn += [_tick(x, across) for x in _ticks(across.high) if x == round(x)]
    drawn += [_gridline(y, up, unit) for y in ys]
    drawn += [_drawn(i, line, across, up) for i, line in enumerate(kept)]
    label = escape(title, quote=True)
    return f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{label}">{"".join(drawn)}</svg>'


class _Axis(NamedTuple):
    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __call__(self, value: float) -> float:
        """The place of a value, in the picture's units."""
        low, high, value = (math.log10(v) if self.log else v for v in (self.low, self.high, value))
        share = 0.5 if high == low else (value - low) / (high - low)
        return self.start + share * (self.end - self.start)


def _drawable(points: Sequence[tuple[float, float]], log: bool) -> list[tuple[float, float]]:
    return [(x, y) for x, y in points if math.isfinite(x) and math.isfinite(y) and (y > 0 or not log)]


def _thinned(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Means of neighbouring points where there are too many; the last one stays what it is."""
    size = -(-len(points) // _POINTS)
    if size <= 1:
        return list(points)
    groups = [points[i : i + size] for i in range(0, len(points) - 1, size)]
    return [(sum(x for x, _ in g) / len(g), sum(y for _, y in g) / len(g)) for g in groups] + [points[-1]]


def _scale(values: Sequence[float], log: bool) -> list[float]:
    """The heights of the grid; the first and last bound the chart."""
    if log:
        return _log_scale(min(values), max(values))
    ticks = _ticks(max(*values, 1e-12))
    step = ticks[1] - ticks[0]
    return [*ticks, ticks[-1] + step] if ticks[-1] < max(values) - 1e-9 * step else ticks


def _log_scale(low: float, high: float) -> list[float]:
    """Powers of ten around `low` and `high`, at most seven; with 2 and 5 times them where two decades hold all."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    stride = -(-(last - first) // 5)
    if last - first > 2:
        return [10.0**n for n in range(first, last + stride, stride)]
    ticks = [m * 10.0**n for n in range(first, last + 1) for m in (1, 2, 5)]
    start = max(bisect_right(ticks, low) - 1, 0)
    return ticks[start : max(bisect_left(ticks, high), start + 1) + 1]


def _ticks(high: float) -> list[float]:
    """About four round numbers from 0 to `high`."""
    span = high or 1.0
    power = 10.0 ** math.floor(math.log10(span / 4))
    step = next(m * power for m in (1, 2, 5, 10) if span / (m * power) <= 5)
    return [n * step for n in range(math.floor(high / step + 1e-9) + 1)]


def _gridline(y: float, up: _Axis, unit: str) -> str:
    at = f"{up(y):.1f}"
    label = f'<text x="{_LEFT - 5}" y="{at}" dy=".32em" class="up">{_label(y)}{escape(unit)}</text>'
    return f'<line class="rule" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{at}" y2="{at}"/>{label}'


def _tick(x: float, across: _Axis) -> str:
    return f'<text x="{across(x):.1f}" y="{_HEIGHT - 6}" class="across">{_label(x)}</text>'


def _label(value: float) -> str:
    """A number in few letters: 12k for 12000, 5e-4 for 0.0005."""
    if 0 < value < 0.01:
        return f"{value:.1e}".replace(".0e", "e").replace("e-0", "e-")
    return f"{value / 1000:.4g}k" if 1e4 <= value < 1e7 else f"{value:.4g}".replace("e+0", "e").replace("e+", "e")


def _drawn(number: int, line: Line, across: _Axis, up: _Axis) -> str:
    """A line or a level; one point alone is a dot."""
    if line.level is not None:
        if up.log and line.level <= 0:
            return ""
        at = f"{up(line.level):.1f}"
        return f'<line class="level" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{at}" y2="{at}"/>'
    places = [f"{across(x):.1f},{up(y):.1f}" for x, y in line.points]
    if not places:
        return ""
    dots = "".join(
        f'<circle class="s{number}" cx="{x}" cy="{y}" r="2.5"/>'
        for x, _, y in (place.partition(",") for place in places)
    )
    return f'<polyline class="s{number}" points="{" ".join(places)}"/>{dots if len(places) <= 40 else ""}'
