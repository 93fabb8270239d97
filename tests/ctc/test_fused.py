"""The compiled CTC loss against stored float64 answers, brute force, itself in logarithms, and in hostile company."""

import json
import math
import multiprocessing
import threading

import numpy as np
import oracles
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from asr.ctc import fused
from asr.ctc.fused import fused_ctc_loss, fused_ctc_loss_and_frames
from asr.ctc.kernels import batch


def _problem(seed=0, scale=1.0, shape=(4, 30, 9), labels=7):
    random = torch.Generator().manual_seed(seed)
    b, t, v = shape
    logits = torch.randn(shape, generator=random) * scale
    targets = torch.randint(1, v, (b, labels), generator=random)
    frames = torch.randint(labels * 2, t + 1, (b,), generator=random)
    lengths = torch.randint(0, labels + 1, (b,), generator=random)
    return logits, targets, frames, lengths


def _loss_and_gradient(logits, *rest, weights=None):
    logits = logits.detach().clone(memory_format=torch.preserve_format).requires_grad_()
    loss = fused_ctc_loss(logits, *rest)
    finite = torch.isfinite(loss)
    (loss[finite] * (1 if weights is None else weights[finite])).sum().backward()
    return loss.detach(), logits.grad


def _stored(shared_data):
    path = shared_data.parent / "fixtures" / "ctc_cases.npz"
    if not path.is_file():
        pytest.skip(f"no stored CTC cases at {path}")
    z = np.load(path)
    meta = json.loads(str(z["meta_json"]))
    return z, meta["cases"] if isinstance(meta, dict) else meta


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_stored_cases(shared_data, dtype):
    """Both kernels: relative error of the loss 1e-6, of the gradient 1e-6 (2e-5 is what the cases ask for)."""
    z, cases = _stored(shared_data)
    assert len(cases) == 42
    for case in cases:
        key = f"{case['idx']:02d}_"
        arrays = (torch.from_numpy(z[key + name]) for name in ("targets", "input_lengths", "target_lengths"))
        logits, expected = torch.from_numpy(z[key + "logits"]).to(dtype), torch.from_numpy(z[key + "nll"])
        loss, gradient = _loss_and_gradient(logits, *arrays, case["blank"])
        assert torch.equal(torch.isinf(loss), torch.isinf(expected)), case["name"]
        finite = torch.isfinite(expected)
        torch.testing.assert_close(loss[finite].double(), expected[finite], rtol=1e-6, atol=1e-12, msg=case["name"])
        reference = torch.from_numpy(z[key + "grad"]).double()
        torch.testing.assert_close(gradient.double(), reference, rtol=0, atol=1e-6, msg=case["name"])
        beyond = torch.arange(logits.shape[1]) >= torch.from_numpy(z[key + "input_lengths"])[:, None]
        assert (gradient[beyond] == 0).all() and (gradient[~finite] == 0).all(), case["name"]


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 5), st.lists(st.integers(1, 2), max_size=3), st.integers(0, 999), st.sampled_from([1, 20, 200]))
def test_equals_the_sum_over_all_paths(frames, target, seed, scale):
    logits = torch.randn(frames, 3, generator=torch.Generator().manual_seed(seed)) * scale
    expected = oracles.ctc_nll(logits.double().log_softmax(-1).numpy(), tuple(target))
    padded, lengths = torch.tensor([[*target, 7]]), (torch.tensor([frames]), torch.tensor([len(target)]))
    assert float(fused_ctc_loss(logits[None], padded, *lengths)) == pytest.approx(expected, rel=1e-6, abs=1e-6)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([0.1, 1, 10, 40, 80]), st.integers(2, 70), st.integers(0, 40))
@example(seed=1, scale=10, frames=64, labels=31)  # states fill whole vectors
@example(seed=2, scale=10, frames=70, labels=32)
def test_probabilities_and_logarithms_agree(seed, scale, frames, labels):
    """float32 logits go through scaled probabilities, the same as float64 through logarithms."""
    random = torch.Generator().manual_seed(seed)
    logits = torch.randn(2, frames, 5, generator=random) * scale
    targets = torch.randint(1, 5, (2, max(1, labels)), generator=random)
    rest = targets, torch.tensor([frames, frames // 2]), torch.tensor([labels, labels // 2])
    loss, gradient = _loss_and_gradient(logits, *rest)
    exact, exact_gradient = _loss_and_gradient(logits.double(), *rest)
    torch.testing.assert_close(loss.double(), exact, rtol=1e-6, atol=1e-5)
    torch.testing.assert_close(gradient.double(), exact_gradient, rtol=0, atol=2e-6)


def test_a_path_that_probabilities_cannot_hold_is_found_by_logarithms():
    """The model is sure of the wrong half: all alignments are below 1e-308 of the best partial path."""
    logits = torch.zeros(1, 120, 4)
    logits[0, :60, 3], logits[0, 60:, 1] = 30.0, 30.0
    rest = torch.tensor([[1] * 20 + [3] * 20]), torch.tensor([120]), torch.tensor([40])
    loss, gradient = _loss_and_gradient(logits, *rest)
    exact, exact_gradient = _loss_and_gradient(logits.double(), *rest)
    assert 700 < float(exact) < math.inf
    torch.testing.assert_close(loss.double(), exact, rtol=1e-6, atol=0)
    torch.testing.assert_close(gradient.double(), exact_gradient, rtol=0, atol=1e-6)


@pytest.mark.parametrize("depth", [20, 36, 37, 46, 60])
def test_a_frame_that_masks_every_likely_state_leaves_numbers(depth):
    """In frame 20 all labels but one are barred, and what is still open has the smallest numbers float64 can hold."""
    logits = torch.full((1, 41, 22), -float(depth))
    logits[:, :, 0], logits[0, 20] = 0.0, -math.inf
    logits[0, 20, 11] = 0.0
    rest = torch.arange(1, 22)[None], torch.tensor([41]), torch.tensor([21])
    loss, gradient = _loss_and_gradient(logits, *rest)
    exact, exact_gradient = _loss_and_gradient(logits.double(), *rest)
    torch.testing.assert_close(loss.double(), exact, rtol=1e-6, atol=0)
    torch.testing.assert_close(gradient.double(), exact_gradient, rtol=0, atol=1e-6)


def test_a_common_offset_costs_nothing():
    logits, *rest = _problem()
    expected, gradient = _loss_and_gradient(logits.double(), *rest)
    coarse = (logits * 2**20).round() / 2**20  # so that the offset rounds nothing away
    for dtype, offset in ((torch.float64, 2.0**30), (torch.float32, 0.0)):
        loss, other = _loss_and_gradient(coarse.to(dtype) + offset, *rest)
        torch.testing.assert_close(loss.double(), expected, rtol=1e-5, atol=1e-5)
        torch.testing.assert_close(other.double(), gradient, rtol=0, atol=1e-5)
    plain, _ = _loss_and_gradient(coarse.double(), *rest)
    far, _ = _loss_and_gradient(coarse.double() + 2.0**30, *rest)
    torch.testing.assert_close(far, plain, rtol=1e-14, atol=0)


def test_gradcheck():
    logits = torch.randn(3, 9, 5, dtype=torch.float64, requires_grad=True)
    rest = torch.tensor([[1, 2, 2], [3, 1, 0], [0, 0, 0]]), torch.tensor([9, 5, 4]), torch.tensor([3, 2, 0])
    assert torch.autograd.gradcheck(lambda x: fused_ctc_loss(x, *rest), (logits,))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_sixteen_bits_are_read_exactly_and_rounded_once(dtype):
    logits, *rest = _problem()
    logits = logits.to(dtype)
    loss, gradient = _loss_and_gradient(logits, *rest)
    wide, wide_gradient = _loss_and_gradient(logits.float(), *rest)
    assert gradient.dtype == dtype and loss.dtype == torch.float32 and torch.equal(loss, wide)
    torch.testing.assert_close(gradient, wide_gradient.to(dtype), rtol=torch.finfo(dtype).eps, atol=1e-7)
    assert (gradient == wide_gradient.to(dtype)).float().mean() > 0.99


@pytest.mark.parametrize("layout", ["time first", "sliced"])
def test_layouts(layout):
    logits, *rest = _problem()
    expected, gradient = _loss_and_gradient(logits, *rest)
    other = logits.transpose(0, 1).contiguous().transpose(0, 1)
    if layout == "sliced":
        other = torch.cat([logits, logits], dim=-1)[..., : logits.shape[-1]]
    loss, other_gradient = _loss_and_gradient(other, *rest)
    assert torch.equal(loss, expected) and torch.equal(other_gradient, gradient)


def test_weights_of_losses_reach_the_gradient_and_a_second_backward_finds_it_whole():
    logits, *rest = _problem()
    weights = torch.tensor([2.0, 0.0, 1.0, -0.5])
    _, gradient = _loss_and_gradient(logits, *rest)
    _, weighted = _loss_and_gradient(logits, *rest, weights=weights)
    torch.testing.assert_close(weighted, gradient * weights[:, None, None])
    leaf = logits.clone().requires_grad_()
    loss = fused_ctc_loss(leaf, *rest)
    (loss * weights).sum().backward(retain_graph=True)
    loss.sum().backward()
    torch.testing.assert_close(leaf.grad, gradient * (1 + weights[:, None, None]))
    with pytest.raises(RuntimeError):
        loss.sum().backward()


def test_a_gradient_of_a_kept_graph_may_be_changed():
    logits, *rest = _problem()
    leaf = logits.clone().requires_grad_()
    loss = fused_ctc_loss(leaf, *rest).sum()
    (first,) = torch.autograd.grad(loss, leaf, retain_graph=True)
    before = first.clone()
    first.mul_(0)
    assert torch.equal(torch.autograd.grad(loss, leaf)[0], before)


def test_an_infinite_slope_of_an_infinite_loss_is_no_nan():
    logits, targets, *_ = _problem()
    leaf = logits.clone().requires_grad_()
    loss = fused_ctc_loss(leaf, targets, torch.tensor([3, 30, 30, 30]), torch.tensor([7, 2, 2, 2]))
    (loss**2).sum().backward()
    assert torch.isposinf(loss[0]) and (leaf.grad[0] == 0).all() and torch.isfinite(leaf.grad).all()


def test_a_gradient_that_is_still_held_is_not_written_over():
    logits, *rest = _problem()
    _, held = _loss_and_gradient(logits, *rest)
    before = held.clone()
    _loss_and_gradient(logits * 2, *rest)
    assert torch.equal(held, before)
    memory = fused._buffers.bytes.ctypes.data
    _loss_and_gradient(logits, *rest)  # by now nobody holds the second one
    assert fused._buffers.bytes.ctypes.data == memory


def test_frames_tell_of_the_blank():
    logits, targets, frames, lengths = _problem()
    _, found = fused_ctc_loss_and_frames(logits, targets, frames, lengths)
    _, gradient = _loss_and_gradient(logits, targets, frames, lengths)
    valid = (torch.arange(logits.shape[1]) < frames[:, None]).float()
    probability = logits.softmax(-1)[..., 0] * valid
    torch.testing.assert_close(found.blank_probability, probability)
    torch.testing.assert_close(found.blank_occupancy, probability - gradient[..., 0], rtol=0, atol=1e-6)


def test_masked_tokens_are_impossible_not_undefined():
    logits, targets, frames, lengths = _problem(labels=3)
    targets, lengths = targets.clamp(max=7), lengths.clamp(min=1)
    masked = logits.clone()
    masked[..., 8] = -math.inf
    loss, gradient = _loss_and_gradient(masked, targets, frames, lengths)
    without, gradient_without = _loss_and_gradient(logits[..., :8], targets, frames, lengths)
    torch.testing.assert_close(loss, without)
    torch.testing.assert_close(gradient[..., :8], gradient_without)
    assert (gradient[..., 8] == 0).all()
    masked[1, :, int(targets[1, 0])] = -math.inf  # a label that is needed
    masked[2, 3] = -math.inf  # a frame in which nothing can be
    loss, gradient = _loss_and_gradient(masked, targets, frames, lengths)
    assert torch.isinf(loss).tolist() == [False, True, True, False]
    assert (gradient[1:3] == 0).all() and torch.isfinite(gradient).all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("value", [math.nan, -math.nan, math.inf])
def test_what_is_no_number_is_not_hidden(value, dtype):
    logits, *rest = _problem(labels=3)
    logits = logits.to(dtype)
    logits[1, 2, 4] = value
    loss, gradient = _loss_and_gradient(logits, *rest)
    assert torch.isnan(loss).tolist() == [False, True, False, False]
    assert torch.isfinite(gradient[[0, 2, 3]]).all() and torch.isnan(gradient[1, : int(rest[1][1])]).all()
    logits[1, int(rest[1][1]) :] = value  # beyond the utterance it is padding
    logits[1, 2, 4] = 0.0
    assert torch.isfinite(fused_ctc_loss(logits, *rest)).all()


def test_nothing_at_all():
    none = torch.zeros(0, dtype=torch.int64)
    assert fused_ctc_loss(torch.zeros(0, 5, 3), torch.zeros(0, 2, dtype=torch.int64), none, none).shape == (0,)
    zero, empty = torch.tensor([0, 0]), torch.zeros(2, 0, dtype=torch.int64)
    assert fused_ctc_loss(torch.zeros(2, 0, 3), empty, zero, zero).tolist() == [0.0, 0.0]
    loss = fused_ctc_loss(torch.zeros(2, 4, 3), torch.tensor([[1], [1]]), zero, torch.tensor([0, 1]))
    assert loss.tolist() == [0.0, math.inf]


# ── threads, forks ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def always_threads(monkeypatch):
    monkeypatch.setattr(batch, "_SMALL", 1)
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def test_threads_change_nothing(always_threads):
    problem = _problem(shape=(7, 60, 30), labels=12)
    found = []
    for threads in (1, 2, 3):
        torch.set_num_threads(threads)
        found.append(_loss_and_gradient(*problem))
    for loss, gradient in found[1:]:
        assert torch.equal(loss, found[0][0]) and torch.equal(gradient, found[0][1])


def test_calls_from_several_python_threads(always_threads):
    problems = [_problem(seed, shape=(5, 40, 20)) for seed in range(4)]
    torch.set_num_threads(2)
    expected, found = [_loss_and_gradient(*p) for p in problems], {}

    def work(number):
        for _ in range(20):
            found[number] = _loss_and_gradient(*problems[number])

    workers = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    for i, (loss, gradient) in enumerate(expected):
        assert torch.equal(found[i][0], loss) and torch.equal(found[i][1], gradient)


def _in_child(problem, answer):
    torch.set_num_threads(2)
    answer.put(_loss_and_gradient(*problem)[0].tolist())


def test_a_process_forked_after_a_training_step(always_threads):
    """As a loader's worker is: torch's OpenMP and our threads have run, and neither survives a fork."""
    problem = _problem(shape=(6, 50, 20))
    torch.set_num_threads(2)
    (torch.randn(300, 300) @ torch.randn(300, 300)).sum()
    expected = _loss_and_gradient(*problem)[0].tolist()
    context = multiprocessing.get_context("fork")
    answer = context.Queue()
    child = context.Process(target=_in_child, args=(problem, answer))
    child.start()
    assert answer.get(timeout=60) == expected
    child.join(60)
    assert child.exitcode == 0
