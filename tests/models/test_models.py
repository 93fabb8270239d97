"""Shapes, lengths and gradients of every model and its options."""

import pytest
import torch

from asr.models.deepspeech2 import DeepSpeech2, DeepSpeech2Options
from asr.models.quartznet import QuartzNet, QuartzNetOptions

SMALL = {"hidden_size": 8, "layers": 2, "conv_channels": 2, "conv_time_kernel": 5, "conv_frequency_kernel": 5}
VARIANTS = {
    "lstm": lambda: DeepSpeech2(DeepSpeech2Options(**SMALL), 16, 7),
    "gru": lambda: DeepSpeech2(DeepSpeech2Options(**SMALL, cell="gru", subsampling=2, conv_layers=3), 16, 7),
    "unidirectional": lambda: DeepSpeech2(
        DeepSpeech2Options(**SMALL, bidirectional=False, lookahead=3, subsampling=4, conv_layers=1), 16, 7
    ),
    "quartznet": lambda: QuartzNet(QuartzNetOptions(width=8, blocks=2, first_kernel=3, last_kernel=7), 16, 7),
}


@pytest.mark.parametrize("name", VARIANTS)
def test_shapes_lengths_and_gradients(name):
    model = VARIANTS[name]()
    for frames in (1, 2, 3, 7, 40):
        lengths = torch.tensor([frames, max(1, frames // 2)])
        logits, out = model(torch.randn(2, frames, 16), lengths)
        assert logits.shape == (2, int(out.max()), 7)
        assert torch.equal(out, model.output_lengths(lengths))
        assert out.dtype == torch.int64 and (out >= 1).all()
        assert torch.equal(out, -(-lengths // model.subsampling))
    logits.square().sum().backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in model.parameters())


def test_lookahead_bounds_what_a_unidirectional_model_sees():
    model = VARIANTS["unidirectional"]().eval()
    x = torch.randn(1, 80, 16)
    changed = x.clone()
    changed[:, 60:] += 1.0
    lengths = torch.tensor([80])
    difference = (model(x, lengths)[0] - model(changed, lengths)[0]).abs().sum(-1)[0]
    first = int((difference > 1e-6).nonzero()[0])
    assert first >= 60 // 4 - 3 - 1  # lookahead of 3 output frames and one frame of the convolution


@pytest.mark.parametrize(
    ("options", "name"),
    [
        (DeepSpeech2Options, "conv_time_kernel"),
        (DeepSpeech2Options, "conv_frequency_kernel"),
        (QuartzNetOptions, "last_kernel"),
    ],
)
def test_even_kernels_are_refused(options, name):
    with pytest.raises(ValueError, match="odd number"):
        options(**{name: 10})
