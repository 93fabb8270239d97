"""The CTC loss against brute force, against stored float64 answers, and at its door."""

import itertools
import json
import math

import numpy as np
import oracles
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from asr.ctc.loss import ctc_loss, ctc_loss_from_probs, feasible, log_probs, required_frames
from asr.errors import LossError


def _one(logits, target):
    lengths = torch.tensor([logits.shape[0]]), torch.tensor([len(target)])
    return ctc_loss(logits[None], torch.tensor([target], dtype=torch.int64).reshape(1, -1), *lengths)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 5), st.lists(st.integers(1, 2), max_size=3), st.integers(0, 1000))
def test_equals_the_sum_over_all_paths(frames, target, seed):
    logits = torch.randn(frames, 3, generator=torch.Generator().manual_seed(seed)) * 3
    expected = oracles.ctc_nll(log_probs(logits).double().numpy(), tuple(target))
    assert float(_one(logits, target)) == pytest.approx(expected, rel=1e-5, abs=1e-5)


def _cases(shared_data):
    path = shared_data.parent / "fixtures" / "ctc_cases.npz"
    if not path.is_file():
        pytest.skip(f"no stored CTC cases at {path}")
    z = np.load(path)
    return z, json.loads(str(z["meta_json"]))


def test_stored_cases(shared_data):
    z, meta = _cases(shared_data)
    rows = meta["cases"] if isinstance(meta, dict) else meta
    assert len(rows) == 42
    for case in rows:
        key = f"{case['idx']:02d}_"
        logits = torch.from_numpy(z[key + "logits"].astype(np.float32)).requires_grad_()
        targets, t, n = (
            torch.from_numpy(z[key + name]).long() for name in ("targets", "input_lengths", "target_lengths")
        )
        loss = ctc_loss(logits, targets, t, n, blank=case["blank"])
        expected = torch.from_numpy(z[key + "nll"])
        assert torch.equal(torch.isinf(loss), torch.isinf(expected)), case["name"]
        finite = torch.isfinite(expected)
        torch.testing.assert_close(loss[finite].double(), expected[finite], rtol=1e-5, atol=1e-4, msg=case["name"])
        loss[finite].sum().backward()
        assert torch.isfinite(logits.grad).all(), case["name"]
        # torch's float32 kernel is this inexact; the float64 answer is the measure
        error = (logits.grad.double() - torch.from_numpy(z[key + "grad"]).double()).abs().max()
        assert error < 2e-2, (case["name"], float(error))


def test_infeasible_is_infinite_without_gradient_and_leaves_others_alone():
    logits = torch.randn(2, 3, 4, requires_grad=True)
    targets, lengths = torch.tensor([[1, 1, 2], [1, 2, 0]]), torch.tensor([3, 3])
    loss = ctc_loss(logits, targets, lengths, torch.tensor([3, 2]))
    assert torch.isinf(loss.detach()).tolist() == [True, False]
    loss[torch.isfinite(loss)].sum().backward()
    assert (logits.grad[0] == 0).all() and (logits.grad[1] != 0).any()


def test_masked_tokens_give_no_nan():
    logits = torch.randn(1, 6, 4)
    logits[:, :, 3] = -math.inf
    logits.requires_grad_()
    loss = ctc_loss(logits, torch.tensor([[1, 2]]), torch.tensor([6]), torch.tensor([2]))
    loss.sum().backward()
    without = float(ctc_loss(logits[..., :3].detach(), torch.tensor([[1, 2]]), torch.tensor([6]), torch.tensor([2])))
    assert float(loss.detach()) == pytest.approx(without, rel=1e-5) and torch.isfinite(logits.grad).all()
    barred = ctc_loss(logits.detach(), torch.tensor([[1, 3]]), torch.tensor([6]), torch.tensor([2]))
    assert math.isinf(barred)


@given(st.lists(st.integers(1, 3), max_size=6))
def test_required_frames_counts_repeats(target):
    padded = torch.tensor([[*target, 9, 9]])  # padding repeats; it must not count
    repeats = sum(a == b for a, b in itertools.pairwise(target))
    need = required_frames(padded, torch.tensor([len(target)]))
    assert int(need) == len(target) + repeats
    assert bool(feasible(padded, need, torch.tensor([len(target)])))
    assert not bool(feasible(padded, need - 1, torch.tensor([len(target)])))


def test_probabilities_have_their_own_door():
    logits = torch.randn(2, 5, 4)
    rest = torch.tensor([[1, 2], [3, 0]]), torch.tensor([5, 4]), torch.tensor([2, 1])
    expected = ctc_loss(logits, *rest)
    torch.testing.assert_close(ctc_loss_from_probs(logits.softmax(-1), *rest), expected)
    torch.testing.assert_close(ctc_loss(logits.softmax(-1).log(), *rest), expected)  # a second log_softmax is harmless
    with pytest.raises(LossError, match="probabilities already"):
        ctc_loss(logits.softmax(-1), *rest)
    with pytest.raises(LossError, match="not probabilities"):
        ctc_loss_from_probs(logits, *rest)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"targets": torch.tensor([[1, 4]])}, "labels in"),
        ({"targets": torch.tensor([[1, 0]])}, "labels in"),
        ({"input_lengths": torch.tensor([6])}, r"input_lengths\[0\]"),
        ({"target_lengths": torch.tensor([-1])}, r"target_lengths\[0\]"),
        ({"input_lengths": torch.tensor([0.8])}, r"input_lengths\[0\]"),
        ({"logits": torch.randn(5, 4)}, "batch first"),
    ],
)
def test_bad_input_names_the_place(change, words):
    good = {
        "logits": torch.randn(1, 5, 4),
        "targets": torch.tensor([[1, 2]]),
        "input_lengths": torch.tensor([5]),
        "target_lengths": torch.tensor([2]),
    }
    with pytest.raises(LossError, match=words):
        ctc_loss(**(good | change))


def test_logits_that_are_no_numbers_give_no_loss_that_looks_like_infeasible():
    logits = torch.randn(2, 5, 4)
    logits[0, 2, 1] = math.nan
    loss = ctc_loss(logits, torch.tensor([[1, 2], [3, 1]]), torch.tensor([5, 5]), torch.tensor([2, 2]))
    assert torch.isnan(loss[0]) and torch.isfinite(loss[1])
