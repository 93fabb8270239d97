"""Blocks against torch's own on unpadded input, and lengths against what really comes out."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from asr.nn.conv import LookaheadConv, MaskedConv1d, conv_lengths
from asr.nn.masks import valid_mask, zero_padding
from asr.nn.norm import MaskedBatchNorm
from asr.nn.rnn import Recurrent, reverse_within


@given(st.integers(1, 60), st.sampled_from([1, 3, 5, 11]), st.integers(1, 4), st.integers(1, 3))
def test_conv_lengths_are_what_torch_yields(frames, kernel, stride, dilation):
    padding = dilation * (kernel - 1) // 2
    out = nn.functional.conv1d(torch.zeros(1, 1, frames), torch.zeros(1, 1, kernel), None, stride, padding, dilation)
    assert int(conv_lengths(torch.tensor(frames), kernel, stride, dilation)) == out.shape[-1]


def test_zero_padding_removes_nan():
    x = torch.full((2, 3, 2), float("nan"))
    x[0, :2], x[1, :1] = 1.0, 2.0
    out = zero_padding(x, torch.tensor([2, 1]))
    assert torch.equal(out.sum((1, 2)), torch.tensor([4.0, 4.0]))
    assert valid_mask(torch.tensor([2, 0]), 3).tolist() == [[True, True, False], [False] * 3]


def test_masked_conv_equals_plain_conv_on_each_row():
    conv, lengths = MaskedConv1d(3, 4, 5, stride=2), torch.tensor([9, 6])
    x = zero_padding(torch.randn(2, 9, 3), lengths)
    out, out_lengths = conv(x, lengths)
    for b, (length, out_length) in enumerate(zip(lengths, out_lengths, strict=True)):
        alone = conv.conv(x[b : b + 1, :length].transpose(1, 2)).transpose(1, 2)[0]
        assert alone.shape[0] == out_length
        torch.testing.assert_close(out[b, :out_length], alone)
        assert (out[b, out_length:] == 0).all()


def test_lookahead_sees_exactly_its_context():
    layer = LookaheadConv(2, context=3)
    x = torch.zeros(1, 8, 2)
    x[0, 5] = 1.0
    seen = (layer(x, torch.tensor([8]))[0].abs().sum(1) > 0).nonzero().flatten().tolist()
    assert seen == [2, 3, 4, 5]


def test_batch_norm_takes_statistics_over_valid_frames_only():
    layer, plain = MaskedBatchNorm(3), nn.BatchNorm1d(3)
    x, lengths = torch.randn(2, 6, 3), torch.tensor([6, 2])
    out = layer(x, lengths)
    frames = torch.cat([x[0], x[1, :2]])
    expected = plain(frames)
    torch.testing.assert_close(torch.cat([out[0], out[1, :2]]), expected)
    torch.testing.assert_close(layer.norm.running_var, plain.running_var)
    assert (out[1, 2:] == 0).all()


def test_batch_norm_of_a_single_frame_uses_the_running_statistics():
    layer = MaskedBatchNorm(3)
    x = torch.randn(1, 4, 3)
    out = layer(x, torch.tensor([1]))
    torch.testing.assert_close(out[0, 0], x[0, 0], rtol=1e-4, atol=1e-4)  # mean 0 and variance 1 at the start
    assert torch.equal(layer.norm.running_mean, torch.zeros(3))


def test_reverse_within_is_its_own_inverse():
    x, lengths = torch.arange(10.0).view(2, 5, 1), torch.tensor([5, 3])
    back = reverse_within(x, lengths)
    assert back[1].flatten().tolist() == [7, 6, 5, 8, 9]
    assert torch.equal(reverse_within(back, lengths), x)


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_recurrent_equals_torch_packed_bidirectional(cell):
    layer = Recurrent(cell, 4, 5, bidirectional=True)
    whole = {"lstm": nn.LSTM, "gru": nn.GRU}[cell](4, 5, batch_first=True, bidirectional=True)
    state = {k: v for k, v in layer.forwards.rnn.state_dict().items()}
    state |= {f"{k}_reverse": v for k, v in layer.backwards.rnn.state_dict().items()}
    whole.load_state_dict(state)
    x, lengths = torch.randn(3, 7, 4), torch.tensor([7, 5, 1])
    packed = nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True)
    expected = nn.utils.rnn.pad_packed_sequence(whole(packed)[0], batch_first=True)[0]
    torch.testing.assert_close(layer(zero_padding(x, lengths), lengths), expected, rtol=1e-4, atol=1e-5)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(1, 9), min_size=1, max_size=4), st.booleans())
def test_recurrent_is_zero_beyond_the_lengths(lengths, bidirectional):
    out = Recurrent("gru", 2, 3, bidirectional)(torch.randn(len(lengths), 9, 2), torch.tensor(lengths))
    assert all((out[b, n:] == 0).all() for b, n in enumerate(lengths))
