"""Pieces run together against the same pieces run one after another: the same numbers, forward and backward."""

import pytest
import torch
from torch import nn

from asr.nn.concurrent import run_together
from asr.nn.rnn import Recurrent


@pytest.fixture(params=[1, 2, 4])
def threads(request):
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


def _one_after_another(layer, x, lengths):
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    out = layer(x, lengths)
    gradients = torch.autograd.grad(out.square().sum(), [x, *layer.parameters()])
    torch.set_num_threads(before)
    return out, gradients


@pytest.mark.parametrize("bf16", [False, True])
@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_a_layer_gives_the_same_outputs_and_gradients(threads, cell, bf16):
    torch.manual_seed(0)
    layer, lengths = Recurrent(cell, 6, 5, bidirectional=True), torch.tensor([9, 4])
    x = torch.randn(2, 9, 6, requires_grad=True)
    with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
        expected, expected_gradients = _one_after_another(layer, x, lengths)
        out = layer(x, lengths)
    assert torch.get_num_threads() == threads
    gradients = torch.autograd.grad(out.square().sum(), [x, *layer.parameters()])
    assert out.dtype == expected.dtype
    torch.testing.assert_close(out, expected)
    for ours, theirs in zip(gradients, expected_gradients, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-2 if bf16 else 1e-5, atol=1e-2 if bf16 else 1e-6)


def test_gradients_reach_what_comes_before_and_repeat_to_the_bit(threads):
    torch.manual_seed(0)
    before, layer = nn.Linear(3, 6), Recurrent("lstm", 6, 5, bidirectional=True)
    x, lengths = torch.randn(2, 9, 3), torch.tensor([9, 4])
    seen = []
    for _ in range(3):
        before.zero_grad()
        layer.zero_grad()
        layer(before(x), lengths).square().sum().backward()
        seen.append([p.grad.clone() for p in (*before.parameters(), *layer.parameters())])
    assert all(torch.equal(a, b) for later in seen[1:] for a, b in zip(seen[0], later, strict=True))
    assert all((g != 0).any() for g in seen[0])


def test_no_graph_is_kept_without_gradients(threads):
    pieces = [nn.Linear(2, 2), nn.Linear(2, 2)]
    inputs = [torch.randn(3, 2), torch.randn(3, 2)]
    with torch.no_grad():
        outputs = run_together(pieces, inputs)
    assert not any(o.requires_grad for o in outputs)
    torch.testing.assert_close(outputs[1], pieces[1](inputs[1]).detach())


def test_an_error_in_a_piece_is_raised_here(threads):
    with pytest.raises(RuntimeError):
        run_together([nn.Linear(2, 2), nn.Linear(3, 2)], [torch.randn(3, 2), torch.randn(3, 2)])
