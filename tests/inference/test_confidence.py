"""Confidence: probabilities as they are, or bent by two numbers; always in [0, 1] and in the order of the scores."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr.inference.confidence import calibrated, confidence
from asr.types import Span

SCORES = st.floats(-50, 0)


@given(SCORES)
def test_uncalibrated_it_is_the_geometric_mean(score: float) -> None:
    assert confidence(score) == math.exp(score)
    assert confidence(score, 1.0, 1e-12) == pytest.approx(math.exp(score), abs=1e-8)


@given(SCORES, SCORES, st.floats(0.01, 20), st.floats(-20, 20))
def test_it_keeps_the_order_and_the_range(a: float, b: float, slope: float, offset: float) -> None:
    low, high = (confidence(score, slope, offset) for score in sorted((a, b)))
    assert 0 <= low <= high <= 1


def test_calibration_bends_the_logit() -> None:
    assert confidence(math.log(0.8), 0.5, 0.0) == pytest.approx(2 / 3)  # odds 4 → 2
    assert confidence(math.log(0.5), 3.0, math.log(3)) == pytest.approx(0.75)
    assert confidence(0.0, 2.0, -1.0) == pytest.approx(1.0) and confidence(-1e9, 2.0, 1.0) == pytest.approx(0.0)
    (span,) = calibrated([Span("a", 0.0, 1.0, math.log(0.8))], 0.5, 0.0)
    assert span.confidence == pytest.approx(2 / 3) and span.score == math.log(0.8)
