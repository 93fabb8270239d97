"""Which utterances meet in a batch: everything once, within the bound, in the order SortaGrad asks for."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asr.data.sampler import BatchSampler

LENGTHS = st.lists(st.floats(0.2, 20.0), min_size=1, max_size=60)


def sampler(durations: list[float], seconds: float = 30.0, **options) -> BatchSampler:
    return BatchSampler(lambda epoch: durations, seconds, **options)


def realistic(count: int = 2000) -> list[float]:
    """Seconds like those of read speech."""
    return np.clip(np.random.default_rng(0).lognormal(1.2, 0.6, count), 0.5, 20.0).tolist()


@given(LENGTHS, st.floats(1.0, 60.0), st.sampled_from(["off", "first_epoch", "always"]), st.integers(0, 3))
@settings(max_examples=80, deadline=None)
def test_every_utterance_once_and_within_the_bound(durations, seconds, sortagrad, epoch) -> None:
    batches = sampler(durations, seconds, sortagrad=sortagrad).epoch(epoch)
    assert sorted(i for batch in batches for i in batch) == list(range(len(durations)))
    for batch in batches:
        assert len(batch) == 1 or len(batch) * max(durations[i] for i in batch) <= seconds * (1 + 1e-9)


def ascends(parts: BatchSampler, durations: list[float], epoch: int) -> bool:
    """Whether batches go from short to long; lengths are sorted with 3 % of jitter, so neighbours may overlap."""
    batches = parts.epoch(epoch)
    pairs = pairwise(batches)
    return all(max(durations[i] for i in a) <= min(durations[i] for i in b) * 1.03 / 0.97 for a, b in pairs)


def test_first_epoch_ascends_and_later_ones_are_shuffled() -> None:
    durations = realistic(400)
    parts = sampler(durations)
    assert [ascends(parts, durations, epoch) for epoch in range(4)] == [True, False, False, False]
    assert {frozenset(b) for b in parts.epoch(1)} != {frozenset(b) for b in parts.epoch(2)}


def test_sortagrad_off_and_always() -> None:
    durations = realistic(400)
    off, always = sampler(durations, sortagrad="off"), sampler(durations, sortagrad="always")
    assert [ascends(off, durations, epoch) for epoch in range(3)] == [False] * 3
    assert [ascends(always, durations, epoch) for epoch in range(3)] == [True] * 3
    assert always.epoch(1) != always.epoch(2)


@given(LENGTHS, st.integers(1, 4), st.integers(0, 2))
@settings(max_examples=60, deadline=None)
def test_ranks_share_the_batches_of_one(durations, size, epoch) -> None:
    alone = sampler(durations).epoch(epoch)
    ranks = [sampler(durations, rank=r, world_size=size).epoch(epoch) for r in range(size)]
    assert len({len(batches) for batches in ranks}) == 1
    interleaved = [batch for step in zip(*ranks, strict=True) for batch in step]
    assert interleaved[: len(alone)] == alone
    assert all(batch in alone for batch in interleaved[len(alone) :]) and len(interleaved) - len(alone) < size


@pytest.mark.parametrize("epoch", [0, 1])
def test_padding_is_at_most_five_per_cent(epoch: int) -> None:
    durations = realistic()
    parts = sampler(durations, 120.0)
    padded = sum(len(b) * max(durations[i] for i in b) for b in parts.epoch(epoch))
    assert 0 <= parts.padding(epoch) <= 0.05
    assert parts.padding(epoch) == pytest.approx(1 - sum(durations) / padded)


def test_order_is_a_function_of_seed_and_epoch() -> None:
    durations = realistic(300)
    first = sampler(durations, seed=5)
    first.epoch(2)
    again = sampler(durations, seed=5)
    assert [first.epoch(e) for e in (0, 1, 2)] == [again.epoch(e) for e in (0, 1, 2)]
    assert sampler(durations, seed=6).epoch(1) != again.epoch(1)


def test_a_plan_from_the_middle_is_the_tail_of_the_whole() -> None:
    parts = sampler(realistic(300))
    whole = list(parts.plan(0, 0, 3))
    assert [len(parts.epoch(e)) for e in range(3)] == [sum(b[0][0] == e for b in whole) for e in range(3)]
    for epoch, batch in [(0, 0), (0, 4), (1, 0), (2, 3), (3, 0)]:
        done = sum(len(parts.epoch(e)) for e in range(epoch)) + batch
        assert list(parts.plan(epoch, batch, 3)) == whole[done:]


def test_longest_is_the_batch_with_the_most_padded_audio() -> None:
    durations = [1.0] * 30 + [29.0]
    parts = sampler(durations)
    most = max(len(b) * max(durations[i] for i in b) for b in parts.epoch(0))
    found = parts.longest()
    assert found in parts.epoch(0) and len(found) * max(durations[i] for i in found) == most


def test_durations_of_the_epoch_bound_its_batches() -> None:
    """Speed perturbation changes lengths by epoch; the batches of an epoch are made of that epoch's lengths."""
    spans = {0: [1.0] * 8, 1: [4.0] * 8}
    parts = BatchSampler(lambda epoch: spans[epoch], 8.0)
    assert [len(b) for b in parts.epoch(0)] == [8] and [len(b) for b in parts.epoch(1)] == [2] * 4
