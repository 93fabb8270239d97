"""Learning rates and optimisers: values at the corners, monotone between them."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from asr.training.optim import learning_rate, make_optimizer
from asr.training.options import TrainingOptions

SHARE = st.floats(0.0, 1.0)


def options(schedule: str, **more) -> TrainingOptions:
    return TrainingOptions(**({"schedule": schedule, "lr": 2e-3, "warmup": 0.25} | more))


def test_corners_of_onecycle() -> None:
    cycle = options("onecycle")
    assert learning_rate(cycle, 0.0, 0) == pytest.approx(0.04 * 2e-3)
    assert learning_rate(cycle, 0.25, 3) == pytest.approx(2e-3)
    assert learning_rate(cycle, 1.0, 9) == pytest.approx(1e-3 * 2e-3)
    assert learning_rate(cycle, 0.125, 0) == pytest.approx(2e-3 * (0.04 + 0.96 / 2))
    assert learning_rate(cycle, 0.625, 0) == pytest.approx(2e-3 * (1e-3 + 0.999 / 2))


def test_corners_of_cosine() -> None:
    cosine = options("cosine")
    assert 0 < learning_rate(cosine, 0.0, 0) <= 2e-3 * 1e-3
    assert learning_rate(cosine, 0.125, 0) == pytest.approx(1e-3)
    assert learning_rate(cosine, 0.25, 0) == pytest.approx(2e-3)
    assert learning_rate(cosine, 0.5, 0) == pytest.approx(1e-3 * (1 + math.cos(math.pi / 3)))
    assert learning_rate(cosine, 1.0, 9) == pytest.approx(0.0, abs=1e-12)


def test_deepspeech2_divides_after_every_epoch() -> None:
    annealed = options("deepspeech2", anneal=1.2)
    assert learning_rate(annealed, 0.125, 0) == pytest.approx(1e-3)
    rates = [learning_rate(annealed, 0.5, epoch) for epoch in range(5)]
    assert rates == pytest.approx([2e-3 / 1.2**epoch for epoch in range(5)])
    assert learning_rate(annealed, 0.5, 2) == learning_rate(annealed, 0.9, 2)


@pytest.mark.parametrize("schedule", ["onecycle", "cosine"])
@given(a=SHARE, b=SHARE, warmup=st.floats(0.0, 0.9))
def test_up_to_the_warm_up_then_down(schedule: str, a: float, b: float, warmup: float) -> None:
    chosen = options(schedule, warmup=warmup)
    first, second = sorted((a, b))
    low, high = learning_rate(chosen, first, 0), learning_rate(chosen, second, 0)
    assert 0 <= low <= 2e-3 * (1 + 1e-9)
    if second <= warmup:
        assert low <= high * (1 + 1e-9)
    if first >= warmup:
        assert low >= high * (1 - 1e-9)


@pytest.mark.parametrize("schedule", ["onecycle", "cosine", "deepspeech2"])
def test_without_warm_up_it_starts_at_the_peak(schedule: str) -> None:
    assert learning_rate(options(schedule, warmup=0.0), 0.0, 0) == pytest.approx(2e-3)
    assert learning_rate(options(schedule), 1.7, 0) == learning_rate(options(schedule), 1.0, 0)


@pytest.mark.parametrize("name, kind", [("adamw", torch.optim.AdamW), ("sgd", torch.optim.SGD)])
def test_weight_decay_is_for_matrices_only(name: str, kind: type) -> None:
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    optimizer = make_optimizer(model, TrainingOptions(optimizer=name, weight_decay=0.1))
    assert isinstance(optimizer, kind)
    decayed = [p for group in optimizer.param_groups if group["weight_decay"] == 0.1 for p in group["params"]]
    assert len(decayed) == 1 and decayed[0] is model[0].weight
    assert sum(len(group["params"]) for group in optimizer.param_groups) == 4
    if name == "sgd":
        assert all(group["nesterov"] and group["momentum"] == 0.9 for group in optimizer.param_groups)
