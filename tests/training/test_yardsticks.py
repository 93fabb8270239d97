"""The cost of constant outputs on a batch, from counts alone: as the loss has it, and as listing all paths does."""

import numpy as np
import pytest
import torch
from oracles import ctc_nll

from asr.training.baselines import constant_baselines
from asr.training.yardsticks import constant_nats, repeats_of


def counts(targets: list[list[int]]) -> tuple[list[int], list[int]]:
    rows = torch.nn.utils.rnn.pad_sequence([torch.tensor(t) for t in targets], batch_first=True)
    lengths = torch.tensor([len(t) for t in targets])
    return lengths.tolist(), repeats_of(rows, lengths)


@pytest.mark.parametrize("vocabulary", [9, 30, 500])
def test_the_loss_says_the_same(vocabulary: int) -> None:
    rng = np.random.default_rng(vocabulary)
    targets = [rng.integers(1, 9, rng.integers(1, 40)).tolist() for _ in range(30)]
    frames = [2 * len(t) + int(rng.integers(0, 300)) for t in targets]
    found, tokens = constant_nats(frames, *counts(targets), vocabulary), sum(map(len, targets))
    expected = constant_baselines(targets, frames, vocabulary)
    assert expected is not None
    assert found.even / tokens == pytest.approx(expected.even, rel=1e-5)
    assert found.blanks / tokens == pytest.approx(expected.blanks, rel=1e-3)


def test_all_paths_listed_say_the_same() -> None:
    """Repeats, a target as long as its frames, one of a single label and one of none."""
    targets, frames, even = [[1, 1, 2], [1, 2, 1, 2], [3], []], [5, 4, 3, 2], np.log(np.full(4, 0.25))
    expected = sum(ctc_nll(np.tile(even, (n, 1)), tuple(t)) for t, n in zip(targets, frames, strict=True))
    labels, repeats = counts(targets)
    assert repeats == [1, 0, 0, 0]
    assert constant_nats(frames, labels, repeats, 4).even == pytest.approx(expected)


def test_no_share_of_blanks_is_better() -> None:
    targets, frames = [[1, 2], [2, 2], [1]], [6, 7, 9]
    found = constant_nats(frames, *counts(targets), 4)
    every = []
    for blank in np.arange(0.01, 1.0, 0.01):
        rows = np.log([blank, *[(1 - blank) / 3] * 3])
        every.append(sum(ctc_nll(np.tile(rows, (n, 1)), tuple(t)) for t, n in zip(targets, frames, strict=True)))
    assert found.blanks == pytest.approx(min(every), rel=2e-3) and found.blanks < found.even


def test_nothing_costs_nothing() -> None:
    assert constant_nats([], [], [], 5) == (0.0, 0.0)
