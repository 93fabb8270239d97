"""Alignment against every path there is, against torchaudio, and at its door."""

import itertools
import math

import numpy as np
import oracles
import pytest
import torch
import torchaudio
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from asr.ctc.align import Alignment, align
from asr.errors import LossError

TARGETS = st.lists(st.integers(1, 2), max_size=3)


def _states(target: list[int], blank: int) -> list[int]:
    return [blank, *itertools.chain.from_iterable((label, blank) for label in target)]


def _exhaustive(lp: np.ndarray, target: list[int], blank: int) -> tuple[float, tuple[int, ...]] | None:
    """Score and states of the likeliest of all state sequences; of equal ones the latest states from the last frame."""
    symbols, found = _states(target, blank), []
    for path in itertools.product(range(len(symbols)), repeat=len(lp)):
        said = [symbols[s] for s in path]
        steps = [b - a for a, b in itertools.pairwise((-1, *path))]
        moves = all(0 <= step <= 2 for step in steps) and oracles.collapse(tuple(said), blank) == tuple(target)
        score = float(sum(lp[t, k] for t, k in enumerate(said)))
        whole = {s // 2 for s in path if s % 2} == set(range(len(target)))
        if moves and whole and score > -math.inf:
            found.append((score, path[::-1]))
    return (max(found)[0], max(found)[1][::-1]) if found else None


def _one(lp: np.ndarray, target: list[int], blank: int = 0) -> Alignment | None:
    targets = torch.tensor([target], dtype=torch.int64).reshape(1, -1)
    lengths = torch.tensor([len(lp)]), torch.tensor([len(target)])
    return align(torch.from_numpy(lp.astype(np.float32))[None], targets, *lengths, blank)[0]


def _check_path(found: Alignment, lp: np.ndarray, target: list[int], blank: int) -> None:
    """The path says the target, once and in order, and its parts agree with each other."""
    positions = found.positions.tolist()
    path = tuple(target[p] if p >= 0 else blank for p in positions)
    assert found.positions.dtype == torch.int64 and oracles.collapse(path, blank) == tuple(target)
    assert sorted(set(positions) - {-1}) == list(range(len(target)))
    assert [p for p in positions if p >= 0] == sorted(p for p in positions if p >= 0)
    assert sum(lp[t, k] for t, k in enumerate(path)) == pytest.approx(found.score, abs=1e-4)
    for k, ((start, end), score) in enumerate(zip(found.spans, found.scores, strict=True)):
        assert [t for t, p in enumerate(positions) if p == k] == list(range(start, end))
        assert score == pytest.approx(np.mean(lp[start:end, target[k]]), abs=1e-5)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 5), TARGETS, st.integers(0, 2), st.integers(0, 1000), st.floats(0, 0.6))
def test_equals_the_best_of_all_paths(frames: int, target: list[int], blank: int, seed: int, barred: float) -> None:
    """Some emissions are -inf. The blank may be any id."""
    target = [label if label != blank else 0 for label in target]
    rng = np.random.default_rng(seed)
    lp = torch.from_numpy(rng.standard_normal((frames, 3)) * 3).log_softmax(-1).numpy().astype(np.float32)
    lp[rng.random(lp.shape) < barred] = -np.inf
    found, expected = _one(lp, target, blank), _exhaustive(lp.astype(np.float64), target, blank)
    assert (found is None) == (expected is None)
    if found is not None and expected is not None:
        assert found.score == pytest.approx(expected[0], abs=1e-9)
        _check_path(found, lp, target, blank)


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 5), TARGETS, st.integers(0, 1000))
@example(5, [1, 2], 0)
def test_ties_are_settled_as_documented(frames: int, target: list[int], seed: int) -> None:
    """Two values only, so that nearly every score is that of several paths."""
    lp = -np.random.default_rng(seed).integers(1, 3, (frames, 3)).astype(np.float64)
    found, expected = _one(lp, target), _exhaustive(lp, target, 0)
    assume(expected is not None and found is not None)
    assert found.score == expected[0]
    assert found.positions.tolist() == [s // 2 if s % 2 else -1 for s in expected[1]]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 6), min_size=1, max_size=8), st.integers(0, 12), st.integers(0, 1000))
def test_equals_torchaudio(target: list[int], more: int, seed: int) -> None:
    frames = len(target) + sum(a == b for a, b in itertools.pairwise(target)) + more
    lp = torch.randn(1, frames, 7, generator=torch.Generator().manual_seed(seed)).mul(3).log_softmax(-1)
    path, scores = torchaudio.functional.forced_align(lp, torch.tensor([target], dtype=torch.int32))
    found = _one(lp[0].numpy(), target)
    assert found is not None
    assert found.score == pytest.approx(float(scores.double().sum()), abs=1e-4)
    assert [target[p] if p >= 0 else 0 for p in found.positions.tolist()] == path[0].tolist()
    spans = torchaudio.functional.merge_tokens(path[0], scores[0])
    assert list(found.spans) == [(s.start, s.end) for s in spans]
    assert list(found.scores) == pytest.approx([s.score for s in spans], abs=1e-5)


def test_company_and_padding_change_nothing() -> None:
    torch.manual_seed(0)
    lp, frames = torch.randn(3, 30, 5).log_softmax(-1), torch.tensor([30, 7, 19])
    targets, lengths = torch.tensor([[1, 2, 2, 3], [4, 99, -5, 0], [3, 1, 1, 9]]), torch.tensor([4, 1, 3])
    for i, t in enumerate(frames):
        lp[i, t:] = math.nan
    for layout in (lp, lp.transpose(0, 1).contiguous().transpose(0, 1), lp.double(), lp.requires_grad_()):
        together = align(layout, targets, frames, lengths)
        for i, found in enumerate(together):
            alone = _one(lp[i, : frames[i]].detach().numpy(), targets[i, : lengths[i]].tolist())
            assert found is not None and alone is not None
            assert found.positions.tolist() == alone.positions.tolist() and found.score == alone.score
            assert (found.spans, found.scores) == (alone.spans, alone.scores)


def test_equal_neighbours_need_a_blank_between() -> None:
    lp = np.full((3, 2), math.log(0.1))
    lp[:, 1] = math.log(0.9)
    found = _one(lp, [1, 1])
    assert found is not None and found.positions.tolist() == [0, -1, 1] and found.spans == ((0, 1), (2, 3))


def test_nothing_said_is_all_blanks() -> None:
    found = _one(np.log([[0.5, 0.5], [0.25, 0.75]]), [])
    assert found is not None and found.positions.tolist() == [-1, -1] and (found.spans, found.scores) == ((), ())
    assert found.score == pytest.approx(math.log(0.125))
    silent = _one(np.zeros((0, 2)), [])
    assert silent is not None and silent.score == 0 and silent.positions.tolist() == []


def test_no_path_is_none_and_leaves_others_alone() -> None:
    lp = torch.randn(4, 3, 4).log_softmax(-1)
    lp[2, :, 3] = -math.inf
    targets, frames = torch.tensor([[1, 1, 2], [1, 2, 0], [3, 0, 0], [1, 0, 0]]), torch.tensor([3, 3, 3, 0])
    found = align(lp, targets, frames, torch.tensor([3, 2, 1, 1]))
    assert [a is None for a in found] == [True, False, True, True]
    assert align(lp[:0], targets[:0], frames[:0], frames[:0]) == []


def test_targets_may_be_concatenated() -> None:
    lp, frames, lengths = torch.randn(2, 6, 4).log_softmax(-1), torch.tensor([6, 5]), torch.tensor([3, 1])
    joined = align(lp, torch.tensor([1, 1, 2, 3]), frames, lengths)
    rows = align(lp, torch.tensor([[1, 1, 2], [3, 0, 0]], dtype=torch.int32), frames.int(), lengths.int())
    assert [a and a.spans for a in joined] == [a and a.spans for a in rows] and None not in rows


def test_long_utterances_keep_their_precision() -> None:
    """A float32 sum of 200 000 frames would be some tenths of a nat off."""
    lp = torch.randn(200_000, 3).log_softmax(-1).numpy()
    found = _one(lp, [])
    assert found is not None and found.score == pytest.approx(float(lp[:, 0].astype(np.float64).sum()), rel=1e-12)


@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=pytest.mark.skipif(
    not torch.cuda.is_available(), reason="no GPU"))])  # fmt: skip
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_formats_and_devices(device: str, dtype: torch.dtype) -> None:
    lp = torch.randn(1, 9, 4).log_softmax(-1).to(dtype)
    rest = torch.tensor([[1, 2]]), torch.tensor([9]), torch.tensor([2])
    (found,), (same,) = align(lp.to(device), *(x.to(device) for x in rest)), align(lp.float(), *rest)
    assert found is not None and same is not None
    assert found.score == same.score and found.positions.device.type == "cpu"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"targets": torch.tensor([[1, 4]])}, r"align: utterance 0, label 1 is 4, beyond the vocabulary"),
        ({"targets": torch.tensor([[0, 1]])}, r"align: utterance 0, label 0 is 0, the blank"),
        ({"input_lengths": torch.tensor([6])}, r"align: input_lengths\[0\] is 6"),
        ({"target_lengths": torch.tensor([-1])}, r"align: target_lengths\[0\] is -1"),
        ({"log_probs": torch.zeros(5, 4)}, "align: .* batch first"),
        ({"log_probs": torch.zeros(1, 5, 4).index_fill(1, torch.tensor([2]), math.nan)}, r"utterance 0: .* hold NaN"),
        ({"log_probs": torch.zeros(1, 5, 4).index_fill(2, torch.tensor([1]), math.inf)}, r"hold NaN or \+inf"),
    ],
)
def test_bad_input_names_the_place(change: dict, words: str) -> None:
    good = {
        "log_probs": torch.zeros(1, 5, 4),
        "targets": torch.tensor([[1, 2]]),
        "input_lengths": torch.tensor([5]),
        "target_lengths": torch.tensor([2]),
    }
    with pytest.raises(LossError, match=words):
        align(**(good | change))


def test_logits_are_no_log_probabilities() -> None:
    logits = torch.zeros(2, 5, 3)
    logits[1, 2, 1] = 2.5
    rest = torch.tensor([[1], [2]]), torch.tensor([5, 5]), torch.tensor([1, 1])
    with pytest.raises(LossError, match=r"utterance 1, frame 2: an emission is 2\.500"):
        align(logits, *rest)
    assert align(logits, rest[0], torch.tensor([5, 2]), rest[2])  # what padding holds does not count
