"""The search for weights on functions whose best is known."""

from collections.abc import Sequence

import pytest

from asr.decoding.tuning import Axis, Point, Score, best, edges, search

ALPHA = Axis("alpha", (0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0), least=0.0)
BETA = Axis("beta", (-1.0, 0.0, 1.0, 2.0, 3.0, 4.0))
INSERTION = Axis("insertion", (-1.0, -0.5, 0.0, 0.5, 1.0))
AXES, START = [ALPHA, BETA, INSERTION], (0.5, 1.0, 0.0)


class Bowl:
    """Errors that grow with the distance from `centre`, along axes that hang together; counts its calls."""

    def __init__(self, *centre: float) -> None:
        self.centre, self.asked = centre, list[Point]()

    def __call__(self, points: Sequence[Point]) -> list[Score]:
        self.asked += points
        return [(round(1000 * self.away(p)), 0) for p in points]

    def away(self, point: Point) -> float:
        d = [p - c for p, c in zip(point, self.centre, strict=True)]
        return 4 * d[0] ** 2 + d[1] ** 2 + 2 * d[2] ** 2 + 1.5 * d[0] * d[1] + d[1] * d[2]


@pytest.mark.parametrize("centre", [(0.83, 2.4, 0.55), (0.1, -0.6, -0.9), (1.9, 3.7, 0.0)])
def test_a_planted_optimum_is_found(centre: Point) -> None:
    bowl = Bowl(*centre)
    trials = search(AXES, START, bowl, 200, seed=1)
    found = best(trials, START, AXES).point
    assert found == pytest.approx(centre, abs=0.15)
    assert trials[0].point == START and [t.point for t in trials] == bowl.asked, "every point once, the start first"
    assert len(trials) <= 200


def test_the_same_seed_the_same_trials() -> None:
    def once(seed: int) -> list[Point]:
        return [t.point for t in search(AXES, START, Bowl(0.83, 2.4, 0.55), 120, seed)]

    assert once(3) == once(3) != once(4)


def test_few_trials_are_no_more() -> None:
    for trials in (1, 5, 60):
        assert len(search(AXES, START, Bowl(0.8, 2.0, 0.5), trials, 0)) == trials


def test_equals_are_told_apart_by_characters_then_by_nearness() -> None:
    def flat(points: Sequence[Point]) -> list[Score]:
        return [(7, 30) for _ in points]

    trials = search(AXES, START, flat, 100, 0)
    assert best(trials, START, AXES).point == START

    def characters(points: Sequence[Point]) -> list[Score]:
        return [(7, 30 - (p[1] > 3.5)) for p in points]

    assert best(search(AXES, START, characters, 100, 0), START, AXES).point[1] > 3.5


def test_the_edge_of_the_grid() -> None:
    assert edges(AXES, (0.0, -1.0, 0.2)) == ["beta"], "nothing lies below an alpha of 0"
    assert edges(AXES, (2.0, 1.0, 1.3)) == ["alpha", "insertion"]
    assert edges(AXES, START) == []


def test_one_axis_is_enough() -> None:
    trials = search([BETA], (1.0,), lambda points: [(round(100 * abs(p[0] - 2.2)), 0) for p in points], 60, 0)
    assert best(trials, (1.0,), [BETA]).point[0] == pytest.approx(2.2, abs=0.1)
