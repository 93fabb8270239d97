"""Reliability of confidences against numbers worked out by hand, and where an evaluation says it."""

import json
import math
from pathlib import Path

import pytest

from asr.evaluation.pictures import draw_grid
from asr.evaluation.reliability import judged, reliability
from asr.evaluation.results import Result, write_results

WORDS = [("a", 0.95, True), ("b", 0.95, True), ("c", 0.91, False), ("d", 0.25, False), ("e", 0.25, True)]


def test_by_hand() -> None:
    found = reliability(WORDS)
    assert found is not None
    upper, lower = (0.95 + 0.95 + 0.91) / 3, 0.25
    assert found.ece == pytest.approx(3 / 5 * abs(upper - 2 / 3) + 2 / 5 * abs(lower - 1 / 2))
    assert found.brier == pytest.approx((2 * 0.05**2 + 0.91**2 + 0.25**2 + 0.75**2) / 5)
    entropy = -(0.6 * math.log(0.6) + 0.4 * math.log(0.4))
    said = (2 * math.log(0.95) + math.log(0.09) + math.log(0.75) + math.log(0.25)) / 5
    assert found.nce == pytest.approx(1 + said / entropy)
    assert [(b.low, b.words) for b in found.bins if b.words] == [(0.2, 2), (0.9, 3)]
    assert "0.9 to 1.0        3      93.7 %    66.7 %" in found.render()


def test_ends_of_the_scale() -> None:
    found = reliability([("a", 1.0, True), ("b", 0.0, True)])
    assert found is not None and found.nce is None and found.ece == 0.5
    assert found.bins[0].words == found.bins[-1].words == 1
    assert reliability([]) is None


def test_words_are_judged_by_the_alignment() -> None:
    assert judged("turn the light on", "turn a light", [0.9, 0.4, 0.8]) == (
        ("turn", 0.9, True), ("a", 0.4, False), ("light", 0.8, True),
    )  # fmt: skip
    assert judged("stop", "please stop", [0.1, 0.9]) == (("please", 0.1, False), ("stop", 0.9, True))


def test_an_evaluation_says_it(tmp_path: Path) -> None:
    results = [
        Result.of(id="u", audio="u.wav", reference="a b", hypothesis="a c", duration=1.0, confidences=[0.9, 0.6]),
        Result.of(id="v", audio="v.wav", reference="a", hypothesis="a", duration=1.0),
    ]
    write_results(tmp_path, results, seconds=1.0, normalisation="NFKC", decoder="greedy")
    rows = [json.loads(line) for line in (tmp_path / "results.jsonl").read_text().splitlines()]
    assert [row["confidences"] for row in rows] == [[["a", 0.9, True], ["c", 0.6, False]], []]
    found = json.loads((tmp_path / "summary.json").read_text())["confidence"]
    assert found["words"] == 2 and found["ece"] == pytest.approx((0.1 + 0.6) / 2) and len(found["bins"]) == 10
    assert "calibration error (ECE) 35.00 %" in (tmp_path / "report.txt").read_text()
    assert (tmp_path / "reliability.png").read_bytes().startswith(b"\x89PNG")
    write_results(tmp_path / "none", results[1:], seconds=1.0, normalisation="NFKC", decoder="greedy")
    assert not (tmp_path / "none" / "reliability.png").exists()


@pytest.mark.parametrize("points", [[(0.5, 1.0)], [(0.0, 1.0), (0.4, 1.0), (0.4, 2.0), (0.4, 2.0)]])
def test_a_heat_map_of_few_or_many_points(points: list[tuple[float, float]], tmp_path: Path) -> None:
    draw_grid(("alpha", "beta"), points, [0.1] * len(points), 0, "WER", tmp_path / "x.png")
    assert (tmp_path / "x.png").read_bytes().startswith(b"\x89PNG")
