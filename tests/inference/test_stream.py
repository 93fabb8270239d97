"""Batches and windows of recordings: nothing lost, nothing too large."""

from pathlib import Path

import torch
from hypothesis import given
from hypothesis import strategies as st

from asr.errors import AudioError
from asr.inference.stream import Stretch, batches, windows

LENGTHS = st.lists(st.integers(1, 50), max_size=40)


@given(LENGTHS, st.integers(1, 120))
def test_batches_hold_everything_once_within_the_bound(lengths: list[int], samples: int) -> None:
    groups = batches(lengths, samples)
    assert sorted(i for group in groups for i in group) == list(range(len(lengths)))
    longest = [max(lengths[i] for i in group) for group in groups]
    assert longest == sorted(longest, reverse=True)
    assert all(len(g) == 1 or len(g) * m <= samples for g, m in zip(groups, longest, strict=True))
    if lengths and max(lengths) * len(lengths) <= samples:
        assert len(groups) == 1


@given(LENGTHS, st.integers(1, 120))
def test_windows_keep_the_order_and_stay_small(lengths: list[int], samples: int) -> None:
    sounds = [(Stretch(str(i), Path("a.wav")), torch.zeros(n)) for i, n in enumerate(lengths)]
    found = list(windows(iter(sounds), samples, None))
    assert [s.name for window in found for s, _ in window] == [s.name for s, _ in sounds]
    assert all(sum(len(w) for _, w in window[:-1]) < samples for window in found)


def test_errors_are_handed_on_where_somebody_listens() -> None:
    heard: list[str] = []
    sounds = [(Stretch("bad", Path("bad.wav")), AudioError("bad")), (Stretch("ok", Path("o")), torch.ones(3))]
    found = list(windows(iter(sounds), 99, lambda stretch, error: heard.append(f"{stretch.name} {error}")))
    assert [[s.name for s, _ in window] for window in found] == [["ok"]]
    assert heard == ["bad bad"]
