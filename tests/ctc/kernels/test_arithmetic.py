"""The kernels' numbers against numpy's and torch's."""

import numpy as np
import torch
from numba import njit

from asr.ctc.kernels import arithmetic as a


def _each(function, kind):
    """`function` over an array, compiled."""

    @njit
    def loop(x, out):
        for i in range(len(x)):
            out[i] = function(x[i])

    def call(x):
        out = np.empty(len(x), kind)
        loop(x, out)
        return out

    return call


def test_exp_is_within_two_units_in_the_last_place():
    x = np.linspace(-87, 0, 500_001).astype(np.float32)
    found, exact = _each(a.exp32, np.float32)(x), np.exp(x.astype(np.float64))
    assert (np.abs(found - exact) / np.spacing(exact.astype(np.float32))).max() < 2
    assert found[-1] == 1
    edges = _each(a.exp32, np.float32)(np.array([-88, -1e30, -np.inf, np.nan], np.float32))
    assert (edges[:3] == 0).all() and np.isnan(edges[3])


def test_order_of_floats_is_the_order_of_their_integers():
    x = np.sort(np.concatenate([np.random.default_rng(0).standard_normal(999), [0, -np.inf, np.inf, 1e-45]]))
    keys = _each(a.ordered, np.int32)(x.astype(np.float32))
    assert (np.diff(keys) >= 0).all()
    assert np.array_equal(_each(a.unordered, np.float32)(keys), x.astype(np.float32))


def test_powers_of_two():
    x = np.array([1.0, 1.999, 2.0, 0.3, 1e-300, 1e300, 2.0**-1022])
    assert np.array_equal(_each(a.exponent, np.int64)(x), np.floor(np.log2(x)))
    n = np.array([-1022, -1, 0, 1, 1023])
    assert np.array_equal(_each(a.power_of_two, np.float64)(n), 2.0**n)


def _floats() -> torch.Tensor:
    random = torch.Generator().manual_seed(0)
    sizes = [1.0, 1e-5, 1e-7, 1e-40, 3e4]
    edges = torch.tensor([0.0, -0.0, 65504, 65519.9, 65520, 1e38, float("inf"), -float("inf"), 2.0**-24, 2.0**-25])
    return torch.cat([*(torch.randn(20_000, generator=random) * size for size in sizes), edges])


def test_float16_is_torchs():
    every = torch.arange(-32768, 32768).to(torch.int16)
    decoded, expected = _each(a.from_float16, np.float32)(every.numpy()), every.view(torch.float16).float().numpy()
    assert np.array_equal(decoded, expected, equal_nan=True)
    x = _floats()
    assert np.array_equal(_each(a.to_float16, np.int16)(x.numpy()), x.half().view(torch.int16).numpy())
    broken = torch.from_numpy(_each(a.to_float16, np.int16)(np.array([np.nan, -np.nan], np.float32)))
    assert torch.isnan(broken.view(torch.float16)).all()


def test_bfloat16_is_torchs():
    every = torch.arange(-32768, 32768).to(torch.int16).view(torch.uint16)
    decoded, expected = _each(a.from_bfloat16, np.float32)(every.numpy()), every.view(torch.bfloat16).float().numpy()
    assert np.array_equal(decoded, expected, equal_nan=True)
    x = _floats()
    assert np.array_equal(_each(a.to_bfloat16, np.uint16)(x.numpy()), x.bfloat16().view(torch.uint16).numpy())
    broken = torch.from_numpy(_each(a.to_bfloat16, np.uint16)(np.array([np.nan, -np.nan], np.float32)))
    assert torch.isnan(broken.view(torch.bfloat16)).all()
