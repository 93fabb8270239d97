"""The collapse of paths against itertools."""

from itertools import groupby

import torch
from hypothesis import given
from hypothesis import strategies as st

from asr.ctc.collapse import BLANK, collapse

PATHS = st.lists(st.integers(0, 3), max_size=30)


@given(PATHS)
def test_tokens_are_those_of_the_definition(path: list[int]) -> None:
    assert collapse(torch.tensor(path, dtype=torch.int64))[0] == [k for k, _ in groupby(path) if k != BLANK]


@given(PATHS)
def test_frames_cover_exactly_the_frames_that_are_not_blank(path: list[int]) -> None:
    tokens, frames = collapse(path)
    painted = [BLANK] * len(path)
    for token, (start, end) in zip(tokens, frames, strict=True):
        assert start < end
        painted[start:end] = [token] * (end - start)
    assert painted == path


def test_example() -> None:
    assert collapse([0, 1, 1, 0, 1, 2, 2, 0]) == ([1, 1, 2], [(1, 3), (4, 5), (5, 7)])
    assert collapse([]) == ([], [])
