"""SpecAugment and vocal tract length factors: bounded, within lengths, a function of the generator alone."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from asr.features.specaugment import AugmentOptions, SpecAugment, SpecAugmentOptions, draw_warps


def rngs(count: int, seed: int = 0) -> list[np.random.Generator]:
    return [np.random.default_rng((seed, i)) for i in range(count)]


def runs(mask: torch.Tensor) -> list[int]:
    """Lengths of the stretches of true."""
    return [len(run) for run in "".join("x" if m else " " for m in mask.tolist()).split()]


def masked(options: SpecAugmentOptions, lengths: list[int], frames: int, seed: int) -> torch.Tensor:
    features = torch.ones(len(lengths), frames, 20)
    return SpecAugment(options)(features, torch.tensor(lengths), rngs(len(lengths), seed)) == 0


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(1, 50), min_size=1, max_size=4),
    st.integers(0, 30),
    st.integers(0, 12),
    st.integers(0, 999),
)
def test_time_masks_are_bounded_and_within_lengths(
    lengths: list[int], width: int, more: int, seed: int
) -> None:
    options = SpecAugmentOptions(time_masks=1, time_width=width, time_share=0.5)
    hidden = masked(options, lengths, max(lengths) + more, seed)
    assert (hidden.all(2) == hidden.any(2)).all()  # whole frames
    for b, length in enumerate(lengths):
        assert not hidden[b, length:].any()
        assert sum(runs(hidden[b, :, 0])) <= min(width, length // 2)
        assert len(runs(hidden[b, :, 0])) <= 1


def test_freq_masks_are_bounded_bands() -> None:
    hidden = masked(SpecAugmentOptions(freq_masks=2, freq_width=6), [30] * 200, 30, 5)
    assert (hidden.all(1) == hidden.any(1)).all()
    widths = [sum(runs(row[0])) for row in hidden]
    assert max(widths) <= 12 and min(widths) < 3
    assert hidden.any(0).any(0).all()  # every feature is reached


def test_every_width_and_place_is_drawn() -> None:
    hidden = masked(SpecAugmentOptions(time_masks=1, time_width=4, time_share=1.0), [12] * 600, 12, 3)[
        :, :, 0
    ]
    assert {int(row.sum()) for row in hidden} == {0, 1, 2, 3, 4}
    assert hidden.any(0).all()


def test_an_utterance_is_masked_alike_in_every_batch() -> None:
    options = SpecAugmentOptions(time_masks=2, freq_masks=2)
    lengths = [80, 33, 57]
    together = masked(options, lengths, 80, 7)
    for b, length in enumerate(lengths):
        alone = SpecAugment(options)(torch.ones(1, length, 20), torch.tensor([length]), [rngs(3, 7)[b]]) == 0
        assert torch.equal(together[b, :length], alone[0])


def test_no_masks_is_the_same_tensor() -> None:
    features = torch.randn(2, 9, 4)
    assert SpecAugment(SpecAugmentOptions())(features, torch.tensor([9, 5]), rngs(2)) is features


def test_warps_are_drawn_per_utterance() -> None:
    assert draw_warps(AugmentOptions(), rngs(2)) is None
    warps = draw_warps(AugmentOptions(vtlp=0.1), rngs(500))
    assert warps is not None and warps.shape == (500,) and warps.dtype == torch.float32
    assert 0.9 <= warps.min() < 0.91 and 1.09 < warps.max() <= 1.1
    assert torch.equal(warps[3:4], draw_warps(AugmentOptions(vtlp=0.1), rngs(500)[3:4]))
    with pytest.raises(ValueError, match="less than or equal"):
        AugmentOptions(vtlp=0.3)
