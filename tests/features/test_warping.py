"""Uneven warps: within bounds, in order, within lengths, a function of the generator alone."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from asr.features.warping import warp_features


def rngs(count: int, seed: int = 0) -> list[np.random.Generator]:
    return [np.random.default_rng((seed, i)) for i in range(count)]


def warped(features: torch.Tensor, lengths: list[int], seed: int, freq: float, time: float) -> torch.Tensor:
    return warp_features(features, torch.tensor(lengths), rngs(len(lengths), seed), freq, time)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 60), st.floats(0.1, 12), st.integers(0, 999))
def test_frequency_is_read_in_order_and_within_the_bound(bins: int, most: float, seed: int) -> None:
    ramp = torch.arange(float(bins)).expand(2, 5, bins)
    places = warped(ramp, [5, 5], seed, most, 0.0)
    assert (places[:, :1] == places).all()  # all frames of an utterance alike
    assert (places.diff(dim=2) >= -1e-5).all()
    assert (places - ramp).abs().max() <= most + 1e-4


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 300), st.floats(0.1, 1), st.integers(0, 999))
def test_time_is_read_in_order_from_end_to_end(frames: int, most: float, seed: int) -> None:
    ramp = torch.arange(float(frames))[None, :, None]
    times = warped(ramp, [frames], seed, 0.0, most)[0, :, 0]
    steps = times.diff()
    assert times[0] == 0 and times[-1] == pytest.approx(frames - 1, abs=1e-3)
    if frames > 1:
        assert steps.min() > 0 and steps.max() / steps.min() <= np.exp(2 * most) * 1.01


def test_regions_move_for_themselves() -> None:
    ramp = torch.arange(40.0).expand(200, 1, 40)
    moved = warped(ramp, [1] * 200, 3, 3.0, 0.0)[:, 0] - ramp[:, 0]
    low, high = moved[:, 8], moved[:, 32]
    assert ((low > 1) & (high < -1)).any() and ((low < -1) & (high > 1)).any()
    assert moved.mean().abs() < 0.3


@pytest.mark.parametrize("garbage", [0.0, float("nan")])
def test_an_utterance_is_warped_alike_in_every_batch(garbage: float) -> None:
    lengths = [80, 1, 33, 57]
    features = torch.full((4, 90, 20), garbage)
    for row, length in zip(features, lengths, strict=True):
        row[:length] = torch.randn(length, 20)
    together = warped(features, lengths, 7, 2.0, 0.5)
    for b, length in enumerate(lengths):
        alone = warp_features(features[b : b + 1, :length], torch.tensor([length]), [rngs(4, 7)[b]], 2.0, 0.5)
        assert torch.equal(together[b, :length], alone[0]) and not alone.isnan().any()
        assert length == 1 or not torch.allclose(alone[0], features[b, :length])


def test_zeros_beyond_the_lengths_stay_zeros() -> None:
    features = torch.randn(2, 50, 12)
    features[1, 20:] = 0
    assert not warped(features, [50, 20], 1, 3.0, 1.0)[1, 20:].any()


def test_no_warp_is_the_same_tensor_and_draws_nothing() -> None:
    features, random = torch.randn(2, 9, 4), rngs(2)
    assert warp_features(features, torch.tensor([9, 5]), random, 0.0, 0.0) is features
    assert random[0].random() == rngs(2)[0].random()
