"""The CTC loss against brute force, against stored float64 answers, and through its three doors, with both kernels."""

import itertools
import json
import math
import subprocess
import sys

import numpy as np
import oracles
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from asr.ctc import loss as doors
from asr.ctc.loss import (
    backend,
    ctc_loss,
    ctc_loss_from_log_probs,
    ctc_loss_from_probs,
    feasible,
    log_probs,
    required_frames,
)
from asr.ctc.torch_kernel import torch_ctc_loss
from asr.errors import LossError

DOORS = {  # what each door is given for the same logits
    ctc_loss: lambda x: x,
    ctc_loss_from_log_probs: log_probs,
    ctc_loss_from_probs: lambda x: x.softmax(-1),
}


@pytest.fixture(params=["torch", "numba"])
def kernel(request, monkeypatch):
    """The name of the kernel that the doors use meanwhile."""
    monkeypatch.setattr(doors, "_COMPILED_ON", frozenset({"cpu"} if request.param == "numba" else ()))
    return request.param


def _random(*shape, seed=0, dtype=torch.float32):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).to(dtype)


def _batch():
    """Targets, input_lengths and target_lengths of four utterances over five symbols; the third is infeasible."""
    targets = torch.tensor([[1, 2, 2], [3, 9, -5], [4, 4, 4], [7, 7, 7]])
    return targets, torch.tensor([7, 5, 4, 6]), torch.tensor([3, 1, 3, 0])


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 5), st.lists(st.integers(0, 1), max_size=3), st.integers(0, 2), st.integers(0, 1000))
@pytest.mark.parametrize("door", DOORS)
def test_equals_the_sum_over_all_paths(door, frames, letters, blank, seed):
    target = tuple(k + (k >= blank) for k in letters)  # the two ids that are not the blank
    logits = _random(1, frames, 3, seed=seed) * 3
    expected = oracles.ctc_nll(log_probs(logits[0]).double().numpy(), target, blank)
    lengths = torch.tensor([frames]), torch.tensor([len(target)])
    found = float(door(DOORS[door](logits), torch.tensor([target]).long(), *lengths, blank=blank))
    assert found == pytest.approx(expected, rel=1e-5, abs=1e-5)


def _cases(shared_data):
    path = shared_data.parent / "fixtures" / "ctc_cases.npz"
    if not path.is_file():
        pytest.skip(f"no stored CTC cases at {path}")
    z = np.load(path)
    return z, json.loads(str(z["meta_json"]))


def test_stored_cases(shared_data, kernel):
    z, cases = _cases(shared_data)
    assert len(cases) == 42
    for case in cases:
        key = f"{case['idx']:02d}_"
        logits = torch.from_numpy(z[key + "logits"].astype(np.float32)).requires_grad_()
        targets, t, n = (torch.from_numpy(z[key + name]) for name in ("targets", "input_lengths", "target_lengths"))
        loss = ctc_loss(logits, targets, t, n, blank=case["blank"])
        loss.sum().backward()
        # torch's float32 gradients are this inexact
        nll, gradient = (1e-5, 2e-2) if kernel == "torch" else (1e-6, 2e-4 if case["style"] == "extreme" else 2e-5)
        torch.testing.assert_close(
            loss.detach().double(), torch.from_numpy(z[key + "nll"]), rtol=nll, atol=nll, msg=case["name"]
        )
        error = (logits.grad.double() - torch.from_numpy(z[key + "grad"]).double()).abs().max()
        assert error < gradient, (case["name"], float(error))
        outside = torch.arange(logits.shape[1]) >= t[:, None]
        assert (logits.grad[outside] == 0).all() and (logits.grad[torch.isinf(loss)] == 0).all(), case["name"]


@pytest.mark.parametrize("door", DOORS)
def test_gradients_are_those_of_finite_differences(door, kernel):
    start = _random(4, 7, 5, dtype=torch.float64).requires_grad_()
    batch = _batch()

    def finite(x):
        return door(DOORS[door](x), *batch, zero_infinity=True)

    assert torch.autograd.gradcheck(finite, (start,), fast_mode=False)
    assert finite(start).dtype == torch.float64


@pytest.mark.parametrize("door", DOORS)
def test_infeasible_is_infinite_or_zero_without_gradient(door, kernel):
    targets, frames, lengths = _batch()
    assert feasible(targets, frames, lengths).tolist() == [True, True, False, True]
    for zero in (False, True):
        logits = _random(4, 7, 5).requires_grad_()
        loss = door(DOORS[door](logits), targets, frames, lengths, zero_infinity=zero)
        assert float(loss[2].detach()) == (0 if zero else math.inf) and torch.isfinite(loss[[0, 1, 3]]).all()
        loss.sum().backward()
        assert torch.isfinite(logits.grad).all() and (logits.grad[2] == 0).all()
        assert all((logits.grad[row] != 0).any() for row in (0, 1, 3))


@pytest.mark.parametrize("zero", [False, True])
def test_masked_tokens_give_no_nan(kernel, zero):
    logits = _random(2, 6, 4)
    logits[:, :, 3] = -math.inf
    logits.requires_grad_()
    rest = torch.tensor([6, 6]), torch.tensor([2, 2])
    loss = ctc_loss(logits, torch.tensor([[1, 2], [1, 3]]), *rest, zero_infinity=zero)
    loss.sum().backward()
    without = ctc_loss(logits[..., :3].detach(), torch.tensor([[1, 2], [1, 2]]), *rest)
    assert float(loss[0].detach()) == pytest.approx(float(without[0]), rel=1e-5)
    assert float(loss[1].detach()) == (0 if zero else math.inf)  # the only label of its place is masked
    assert torch.isfinite(logits.grad).all() and (logits.grad[:, :, 3] == 0).all() and (logits.grad[1] == 0).all()


def test_a_probability_of_zero_has_no_gradient_and_no_nan(kernel):
    probs = torch.tensor([[[0.5, 0.5, 0.0], [0.25, 0.75, 0.0], [1.0, 0.0, 0.0]]], requires_grad=True)
    loss = ctc_loss_from_probs(probs, torch.tensor([[1]]), torch.tensor([3]), torch.tensor([1]))
    loss.sum().backward()
    assert float(loss.detach()) == pytest.approx(-math.log(1 - 0.5 * 0.25), rel=1e-6)
    assert torch.isfinite(probs.grad).all() and (probs.grad[probs == 0] == 0).all() and (probs.grad != 0).any()


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_logits_that_are_no_numbers_give_no_loss_that_looks_like_infeasible(kernel, bad):
    logits = _random(3, 5, 4)
    logits[0, 2, 1] = bad
    logits[2, 4, 0] = bad  # beyond its utterance
    logits.requires_grad_()
    frames, lengths = torch.tensor([5, 5, 4]), torch.tensor([2, 2, 1])
    loss = ctc_loss(logits, torch.tensor([[1, 2], [3, 1], [2, 0]]), frames, lengths, zero_infinity=True)
    assert torch.isnan(loss.detach()).tolist() == [True, False, False]
    loss[1:].sum().backward()
    assert torch.isfinite(logits.grad[1:]).all() and (logits.grad[2, 4] == 0).all()


@pytest.mark.parametrize("door", [ctc_loss_from_log_probs, ctc_loss_from_probs])
def test_no_number_passes_the_other_doors_as_nan_and_padding_never_counts(door, kernel):
    x = DOORS[door](_random(2, 4, 3))
    x[0, 1, 1] = math.nan
    x[1, 3] = math.nan
    x.requires_grad_()
    loss = door(x, torch.tensor([[1], [2]]), torch.tensor([4, 3]), torch.tensor([1, 1]))
    assert torch.isnan(loss.detach()).tolist() == [True, False]
    loss[1].backward()
    assert torch.isfinite(x.grad[1]).all() and (x.grad[1, 3] == 0).all()


def test_concatenated_targets_are_padded_ones(kernel):
    logits, (targets, frames, lengths) = _random(4, 7, 5), _batch()
    flat = torch.cat([row[:n] for row, n in zip(targets, lengths.tolist(), strict=True)])
    assert torch.equal(ctc_loss(logits, flat, frames, lengths), ctc_loss(logits, targets, frames, lengths))
    assert torch.equal(required_frames(flat, lengths), required_frames(targets, lengths))
    nothing = torch.zeros(4, dtype=torch.int64)
    empty = ctc_loss(logits, flat[:0], frames, nothing)
    torch.testing.assert_close(empty, ctc_loss(logits, targets, frames, nothing))


def test_layouts_and_kinds_of_integers_change_nothing(kernel):
    logits, (targets, frames, lengths) = _random(4, 7, 5), _batch()
    expected = ctc_loss(logits, targets, frames, lengths)
    turned = logits.transpose(0, 1).contiguous().transpose(0, 1)
    small = targets.to(torch.int32), frames.to(torch.int16), lengths.to(torch.uint8)
    torch.testing.assert_close(ctc_loss(turned, targets, frames, lengths), expected)
    torch.testing.assert_close(ctc_loss(logits, *small), expected)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_narrow_logits_are_computed_in_float32(kernel, dtype):
    logits = _random(4, 7, 5, dtype=dtype).requires_grad_()
    wide = logits.detach().float().requires_grad_()
    loss, expected = ctc_loss(logits, *_batch()), ctc_loss(wide, *_batch())
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss, expected)
    loss.sum().backward()
    expected.sum().backward()
    torch.testing.assert_close(logits.grad, wide.grad.to(dtype), rtol=1e-2, atol=1e-3)


def test_nothing_has_no_loss(kernel):
    none = torch.zeros(0, dtype=torch.int64)
    assert ctc_loss(torch.zeros(0, 3, 4), torch.zeros(0, 2, dtype=torch.int64), none, none).shape == (0,)
    no_frames = torch.zeros(2, 0, 4, requires_grad=True)
    loss = ctc_loss(no_frames, torch.tensor([[1], [1]]), torch.tensor([0, 0]), torch.tensor([0, 1]))
    assert loss.tolist() == [0, math.inf]
    loss.sum().backward()
    some = ctc_loss(_random(2, 3, 4), torch.tensor([[1], [1]]), torch.tensor([0, 0]), torch.tensor([0, 1]))
    assert some.tolist() == [0, math.inf]


@pytest.mark.parametrize("door", DOORS)
def test_each_door_gives_the_same_loss_and_gradient(door, kernel):
    logits, expected = _random(4, 7, 5).requires_grad_(), _random(4, 7, 5).requires_grad_()
    loss, reference = door(DOORS[door](logits), *_batch()), torch_ctc_loss(expected, *_batch())
    torch.testing.assert_close(loss, reference)
    loss[:2].sum().backward()
    reference[:2].sum().backward()
    torch.testing.assert_close(logits.grad, expected.grad, rtol=1e-4, atol=1e-5)


def test_each_door_refuses_what_belongs_to_another():
    logits, batch = _random(4, 7, 5), _batch()
    with pytest.raises(LossError, match=r"^ctc_loss: the rows are probabilities already.*ctc_loss_from_probs$"):
        ctc_loss(logits.softmax(-1), *batch)
    with pytest.raises(LossError, match=r"^ctc_loss_from_probs: utterance 0, frame \d: .*give logits to ctc_loss$"):
        ctc_loss_from_probs(logits, *batch)
    with pytest.raises(LossError, match=r"^ctc_loss_from_log_probs: utterance 0, frame 0: the row's logsumexp is"):
        ctc_loss_from_log_probs(logits, *batch)
    with pytest.raises(LossError, match=r"utterance 0, frame 0"):
        ctc_loss_from_log_probs(logits.softmax(-1), *batch)
    torch.testing.assert_close(ctc_loss(log_probs(logits), *batch), ctc_loss(logits, *batch))  # harmless


def test_only_valid_frames_are_looked_at():
    logits, (targets, frames, lengths) = _random(4, 7, 5), _batch()
    for door, broken in ((ctc_loss_from_log_probs, 3.0), (ctc_loss_from_probs, -1.0)):
        x = DOORS[door](logits)
        expected = door(x, targets, frames, lengths)
        x[1, 5:] = broken
        assert torch.equal(door(x, targets, frames, lengths), expected)
        x[1, 4] = broken
        with pytest.raises(LossError, match="utterance 1, frame 4"):
            door(x, targets, frames, lengths)
    probs = logits.softmax(-1)
    probs[3] = -7.0  # the guard against a double softmax does not ask utterances without frames either
    with pytest.raises(LossError, match="probabilities already"):
        ctc_loss(probs, targets, torch.tensor([7, 7, 7, 0]), lengths)


def test_narrow_log_probs_are_as_normalised_as_their_type_allows(kernel):
    lp = log_probs(_random(4, 7, 5) * 3)
    expected = ctc_loss_from_log_probs(lp, *_batch())
    for dtype in (torch.bfloat16, torch.float16):
        loss = ctc_loss_from_log_probs(lp.to(dtype), *_batch())
        torch.testing.assert_close(loss, expected, rtol=2e-2, atol=2e-2)


@given(st.lists(st.integers(1, 3), max_size=6))
def test_required_frames_counts_repeats(target):
    padded = torch.tensor([[*target, 9, 9]])  # padding repeats; it must not count
    repeats = sum(a == b for a, b in itertools.pairwise(target))
    need = required_frames(padded, torch.tensor([len(target)]))
    assert int(need) == len(target) + repeats
    assert bool(feasible(padded, need, torch.tensor([len(target)])))
    assert not bool(feasible(padded, need - 1, torch.tensor([len(target)])))


def test_the_backend_is_the_kernel_that_is_used(kernel, monkeypatch):
    logits = _random(4, 7, 5)
    assert backend(logits) == kernel and backend(logits.to("meta")) == "torch"
    used = []
    from asr.ctc import fused, torch_kernel

    monkeypatch.setattr(fused, "fused_ctc_loss", lambda x, *_: used.append("numba") or x.sum((1, 2)))
    monkeypatch.setattr(torch_kernel, "torch_ctc_loss", lambda x, *_: used.append("torch") or x.sum((1, 2)))
    ctc_loss(logits, *_batch())
    assert used == [kernel]


def test_a_function_of_an_infinite_loss_leaves_no_nan(kernel):
    logits = _random(4, 7, 5).requires_grad_()
    ctc_loss(logits, *_batch()).square().sum().backward()
    assert torch.isfinite(logits.grad).all()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_cuda_agrees_with_the_host(shared_data):
    z, cases = _cases(shared_data)
    for case in cases:
        key = f"{case['idx']:02d}_"
        logits = torch.from_numpy(z[key + "logits"].astype(np.float32)).cuda().requires_grad_()
        rest = [torch.from_numpy(z[key + name]).cuda() for name in ("targets", "input_lengths", "target_lengths")]
        assert backend(logits) == "torch"
        loss = ctc_loss(logits, *rest, blank=case["blank"])
        loss.sum().backward()
        expected = torch.from_numpy(z[key + "nll"])
        torch.testing.assert_close(loss.detach().cpu().double(), expected, rtol=1e-5, atol=1e-5, msg=case["name"])
        error = (logits.grad.cpu().double() - torch.from_numpy(z[key + "grad"]).double()).abs().max()
        assert error < 2e-2, (case["name"], float(error))


def test_importing_the_loss_does_not_import_numba():
    subprocess.run([sys.executable, "-c", "import asr.ctc, sys; sys.exit('numba' in sys.modules)"], check=True)
