"""The cost of an output that never changes, against exhaustive search and against a model trained to its end."""

import itertools
import math

import numpy as np
import pytest
import torch
from oracles import ctc_nll

from asr.ctc.loss import ctc_loss
from asr.training.baselines import constant_baselines

TARGETS, FRAMES = [[1, 2], [2, 2], [1]], [4, 5, 3]
TOKENS = sum(map(len, TARGETS))


def cost(p: tuple[float, ...]) -> float:
    """Nats a token of saying p in every frame, by listing all paths."""
    with np.errstate(divide="ignore"):
        rows = np.log(np.asarray(p))
    return sum(ctc_nll(np.tile(rows, (n, 1)), tuple(t)) for t, n in zip(TARGETS, FRAMES, strict=True)) / TOKENS


def grid(step: float) -> list[tuple[float, float, float]]:
    parts = np.arange(step, 1.0, step)
    return [(a, b, 1.0 - a - b) for a, b in itertools.product(parts, parts) if a + b < 1.0 - step / 2]


def test_no_constant_output_is_better_than_the_unigram() -> None:
    found = constant_baselines(TARGETS, FRAMES, 3)
    every = [cost(p) for p in grid(0.02)]
    assert found is not None and min(every) == pytest.approx(found.unigram, rel=2e-3)
    assert min(every) >= found.unigram - 1e-5


@pytest.mark.parametrize("vocabulary", [3, 7])
def test_no_share_of_blanks_is_better(vocabulary: int) -> None:
    found = constant_baselines(TARGETS, FRAMES, vocabulary)
    every = [cost((b, *[(1 - b) / (vocabulary - 1)] * (vocabulary - 1))) for b in np.arange(0.01, 1.0, 0.01)]
    assert found is not None and min(every) == pytest.approx(found.blanks, rel=1e-3)
    assert found.blanks >= found.unigram - 1e-5


def test_the_generating_function_in_the_docstring() -> None:
    """[z^T] of the product of series is the likelihood, with repeats and without."""
    p = (0.5, 0.3, 0.2)
    for target, frames in ((1, 2), 5), ((2, 2), 6), ((1, 1, 2), 7):
        series = np.zeros(frames + 1)
        series[0] = 1.0
        for token in target:
            series = np.convolve(series, [0.0, *(p[token] ** n for n in range(1, frames + 1))])[: frames + 1]
        for _ in range(len(target) + 1):
            series = np.convolve(series, [p[0] ** n for n in range(frames + 1)])[: frames + 1]
        repeats = sum(a == b for a, b in itertools.pairwise(target))
        likelihood = series[frames - repeats] * p[0] ** repeats
        assert -math.log(likelihood) == pytest.approx(ctc_nll(np.log(np.tile(p, (frames, 1))), target))


def test_gradient_descent_finds_the_same_unigram() -> None:
    """On targets too long to list paths of, with a target that does not fit among them."""
    rng = np.random.default_rng(3)
    targets = [rng.choice(np.arange(1, 9), 12, p=np.arange(8, 0, -1) / 36).tolist() for _ in range(20)]
    frames = rng.integers(30, 60, 20).tolist()
    found = constant_baselines([*targets, [1, 1, 1]], [*frames, 2], 30)
    weights = torch.zeros(30, requires_grad=True)
    optimizer = torch.optim.Adam([weights], lr=0.3)
    lengths = torch.tensor([12] * 20)
    for _ in range(500):
        logits = weights.expand(20, max(frames), 30)
        loss = ctc_loss(logits, torch.tensor(targets), torch.tensor(frames), lengths).sum() / 240
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert found is not None and found.unigram == pytest.approx(float(loss.detach()), rel=2e-3)


def test_nothing_that_fits_has_no_baseline() -> None:
    assert constant_baselines([[1, 1], []], [2, 9], 3) is None
