"""Histograms: heights are shares, tails are taken in, whole numbers keep their bins."""

import math
import re

import numpy as np
import pytest

from asr.evaluation.histograms import histogram


def outlines(svg: str) -> list[list[tuple[float, float]]]:
    found = re.findall(r'<polyline class="s\d" points="([^"]*)"', svg)
    return [[tuple(map(float, point.split(","))) for point in points.split()] for points in found]


def heights(points: list[tuple[float, float]]) -> list[float]:
    """The height of each bin over the floor."""
    floor = points[0][1]
    return [floor - y for _, y in points[1:-1:2]]


def test_heights_are_shares_of_each_collection() -> None:
    svg = histogram("t", [("a", [1, 1, 1, 2]), ("b", [2] * 30 + [1] * 10)])
    a, b = (heights(points) for points in outlines(svg))
    assert a == b[::-1] and a[0] == pytest.approx(3 * a[1], abs=0.3)


def test_strays_do_not_flatten_the_rest() -> None:
    values = [*np.random.default_rng(0).normal(size=3000), 1e6]
    (points,) = outlines(histogram("t", [("a", values)]))
    assert sum(height > 20 for height in heights(points)) > 8
    (points,) = outlines(histogram("t", [("a", [1, 2, 3, 4] * 200 + [9])]))
    assert len(heights(points)) == 4 and heights(points)[-1] > heights(points)[0], "the last bar holds the stray"


def test_what_cannot_be_drawn_is_left_out() -> None:
    assert histogram("t", []) == histogram("t", [("a", [])]) == histogram("t", [("a", [math.nan, math.inf])]) == ""
    assert histogram("t", [("a", [3.0, 3.0]), ("b", [3.0])]) == "", "one value is no spread"
    assert len(outlines(histogram("t", [("a", []), ("b", [1, 2, math.nan])]))) == 1
    assert 'class="s1"' in histogram("t", [("a", []), ("b", [1, 2])])


def test_nearly_constant_values_have_an_axis() -> None:
    assert outlines(histogram("t", [("a", [0.0] * 5000 + [0.3])]))


@pytest.mark.parametrize("scale", [1e-6, 1.0, 37.0, 1e9])
def test_everything_is_inside_the_picture(scale: float) -> None:
    svg = histogram('<"t">', [("a", [scale * x for x in (0.1, 0.2, 0.9, 0.35)])])
    width, height = map(float, re.search(r'viewBox="0 0 (\d+) (\d+)"', svg).groups())
    assert all(0 <= x <= width and 0 <= y <= height for points in outlines(svg) for x, y in points)
    ticks = [float(x) for x in re.findall(r'<text x="([\d.]+)"', svg)]
    assert 2 <= len(ticks) <= 8 and ticks == sorted(ticks) and ticks[0] >= 0 and ticks[-1] <= width
    assert "&lt;" in svg
