"""Framing arithmetic against counting."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from asr.features.framing import frame, frame_mask, num_frames


def counted(samples: int, win: int, hop: int) -> int:
    return max(1, sum(1 for start in range(0, samples, hop) if start + win <= samples))


@given(
    st.lists(st.integers(1, 700), min_size=1, max_size=5),
    st.integers(1, 90),
    st.integers(1, 60),
    st.integers(0, 9),
)
def test_num_frames_is_counting_and_agrees_with_the_frames_made(
    lengths: list[int], win: int, hop: int, padding: int
) -> None:
    expected = [counted(n, win, hop) for n in lengths]
    found = num_frames(torch.tensor(lengths), win, hop)
    assert found.dtype == torch.int64 and found.tolist() == expected
    assert [num_frames(n, win, hop) for n in lengths] == expected
    samples = max(lengths) + padding
    frames = frame(torch.arange(samples)[None].float(), win, hop)
    assert frames.shape == (1, counted(samples, win, hop), win)
    # every frame that counts as valid lies within its utterance, unless that is shorter than a window
    for n, count in zip(lengths, expected, strict=True):
        assert frames[0, count - 1].max() < max(n, win)


def test_frames_start_a_hop_apart() -> None:
    assert frame(torch.arange(10)[None], 4, 3)[0].tolist() == [[0, 1, 2, 3], [3, 4, 5, 6], [6, 7, 8, 9]]
    assert frame(torch.ones(1, 2), 4, 3)[0].tolist() == [[1, 1, 0, 0]]


def test_frame_mask() -> None:
    assert frame_mask(torch.tensor([0, 2, 3]), 3).int().tolist() == [[0, 0, 0], [1, 1, 0], [1, 1, 1]]
