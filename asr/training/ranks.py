"""What several processes agree on. With one process every function here returns what it was given."""

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from asr.world import World


def join(world: World) -> None:
    """Meet the other processes torchrun started: NCCL on GPUs, Gloo on CPUs."""
    if world.size > 1 and not dist.is_initialized():
        if world.device.type == "cuda":
            torch.cuda.set_device(world.device)
        dist.init_process_group("nccl" if world.device.type == "cuda" else "gloo")


def leave(world: World) -> None:
    """Part from the other processes, when all have come this far."""
    if world.size > 1 and dist.is_initialized():
        dist.barrier()
        dist.destroy_process_group()


def total(values: list[float], world: World) -> list[float]:
    """The sum of each value over all processes."""
    if world.size == 1:
        return values
    tensor = torch.tensor(values, dtype=torch.float64, device=world.device)
    dist.all_reduce(tensor)
    return tensor.tolist()


def largest(values: list[float], world: World) -> list[float]:
    """The largest of each value over all processes."""
    if world.size == 1:
        return values
    tensor = torch.tensor(values, dtype=torch.float64, device=world.device)
    dist.all_reduce(tensor, dist.ReduceOp.MAX)
    return tensor.tolist()


def gather(value: Any, world: World) -> list[Any]:
    """The value of every process, by rank."""
    if world.size == 1:
        return [value]
    values: list[Any] = [None] * world.size
    dist.all_gather_object(values, value)
    return values


def sum_gradients(model: nn.Module, world: World) -> None:
    """Add up the gradients of all processes, in one message."""
    if world.size == 1:
        return
    gradients = [p.grad for p in model.parameters() if p.grad is not None]
    flat = torch.cat([g.flatten() for g in gradients])
    dist.all_reduce(flat)
    for gradient, part in zip(gradients, flat.split([g.numel() for g in gradients]), strict=True):
        gradient.copy_(part.view_as(gradient))


def follow_first(tensors: list[Tensor], world: World) -> None:
    """Give every process the tensors of rank 0."""
    if world.size > 1:
        for tensor in tensors:
            dist.broadcast(tensor, 0)
