"""Independent pieces of a network at the same time, a CPU thread each, forward and backward.

One LSTM step multiplies matrices too small to share between cores; two directions of a layer can have a core each.
The numbers are those of running the pieces one after another on one thread: nothing is reordered.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn


def run_together(pieces: list[nn.Module], inputs: list[Tensor]) -> list[Tensor]:
    """Each module's output for its own input; one tensor in, one out. Threads only where there are CPU cores for it."""
    threads = torch.get_num_threads()
    if len(pieces) < 2 or threads < 2 or inputs[0].is_cuda:
        return [piece(x) for piece, x in zip(pieces, inputs, strict=True)]
    if not torch.is_grad_enabled():
        return _all([_settled(piece, x) for piece, x in zip(pieces, inputs, strict=True)])
    weights = [list(piece.parameters()) for piece in pieces]
    return list(_Together.apply(pieces, *inputs, *(w for group in weights for w in group)))


class _Together(torch.autograd.Function):
    """A graph of its own for each piece, kept from the forward pass for the backward pass."""

    @staticmethod
    def forward(ctx: Any, pieces: list[nn.Module], *tensors: Tensor) -> tuple[Tensor, ...]:
        leaves = [x.detach().requires_grad_() for x in tensors[: len(pieces)]]
        outputs = _all([_settled(piece, leaf) for piece, leaf in zip(pieces, leaves, strict=True)])
        ctx.graphs = list(zip(outputs, leaves, pieces, strict=True))
        return tuple(output.detach() for output in outputs)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        graphs: list[tuple[Tensor, Tensor, nn.Module]] = ctx.graphs
        parts = _all([_gradients(*graph, g) for graph, g in zip(graphs, gradients, strict=True)])
        del ctx.graphs
        return None, *(part[0] for part in parts), *(g for part in parts for g in part[1:])


def _gradients(output: Tensor, leaf: Tensor, piece: nn.Module, gradient: Tensor) -> Callable[[], tuple[Tensor, ...]]:
    """The call that differentiates one piece's graph by its input and its weights."""
    return lambda: torch.autograd.grad(output, [leaf, *piece.parameters()], gradient)


def _settled(piece: nn.Module, x: Tensor) -> Callable[[], Tensor]:
    """The call piece(x) under this thread's gradient mode and autocast, which another thread does not inherit."""
    grad, cast = torch.is_grad_enabled() or x.requires_grad, torch.is_autocast_enabled("cpu")
    dtype = torch.get_autocast_dtype("cpu")

    def call() -> Tensor:
        with torch.set_grad_enabled(grad), torch.autocast("cpu", dtype, enabled=cast):
            return piece(x)

    return call


def _all(calls: list[Callable[[], Any]]) -> list[Any]:
    """The results of the calls, made at the same time."""
    return list(_pool(len(calls), torch.get_num_threads()).map(lambda call: call(), calls))


@cache
def _pool(size: int, threads: int) -> ThreadPoolExecutor:
    pool = ThreadPoolExecutor(size, "asr-nn", initializer=torch.set_num_threads, initargs=(max(1, threads // size),))
    list(pool.map(lambda _: None, range(size)))
    torch.set_num_threads(threads)  # the threads' own setting reaches MKL's for all; this thread keeps its own
    return pool
