"""Vocal tract length perturbation: factor 1 is nothing, other factors move tones to the warped place."""

import numpy as np
import pytest
import torch

from asr.features.features import Features
from asr.features.options import FeatureOptions
from asr.features.vtlp import warp_indices, warped_filters

RATE = 16000


def tone(hz: float, samples: int = 8000) -> torch.Tensor:
    return torch.sin(2 * torch.pi * hz * torch.arange(samples) / RATE)


@pytest.mark.parametrize("kind", ["logmel", "spectrogram", "mfcc"])
def test_factor_1_is_no_warp_bit_for_bit(kind: str) -> None:
    torch.manual_seed(0)
    module = Features(FeatureOptions(kind=kind))
    waveforms, lengths = 0.1 * torch.randn(3, 7000), torch.tensor([7000, 5000, 300])
    plain, _ = module(waveforms, lengths)
    assert torch.equal(module(waveforms, lengths, torch.ones(3))[0], plain)
    mixed, _ = module(waveforms, lengths, torch.tensor([1.0, 1.1, 1.0]))
    assert torch.equal(mixed[0], plain[0]) and torch.equal(mixed[2], plain[2])
    assert not torch.allclose(mixed[1], plain[1])


@pytest.mark.parametrize("factor", [0.85, 0.95, 1.05, 1.15])
@pytest.mark.parametrize("hz", [500.0, 2000.0, 3500.0])
def test_tones_move_by_the_factor(factor: float, hz: float) -> None:
    module = Features(FeatureOptions(kind="spectrogram", normalize="none"))
    features, _ = module(tone(hz)[None], torch.tensor([8000]), torch.tensor([factor]))
    peak = features[0].mean(0).argmax().item() * RATE / 512
    assert abs(peak - hz * factor) <= RATE / 512


def test_the_end_of_the_axis_stays_in_place() -> None:
    filters = warped_filters(torch.eye(257), RATE)
    for warped in filters:
        np.testing.assert_allclose(warped.sum(1).numpy(), 1.0, atol=1e-5)  # no power is lost
        assert warped[0, 0] == 1 and warped[256, 256] == pytest.approx(1.0, abs=1e-4)
        place = warped @ torch.arange(257.0)
        assert (place.diff() > 0).all()  # the axis bends but never folds
    assert torch.equal(filters[20], torch.eye(257))


def test_factors_are_quantised_to_the_nearest() -> None:
    found = warp_indices(torch.tensor([0.8, 0.996, 1.0, 1.004, 1.006, 1.2, 9.0]))
    assert found.tolist() == [0, 20, 20, 20, 21, 40, 40]
