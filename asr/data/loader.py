"""Batches from a plan, read ahead by workers."""

from collections.abc import Iterable, Iterator
from typing import Any

import torch
from torch.utils.data import DataLoader

from asr.data.dataset import SpeechDataset, collate
from asr.types import Batch


def load_batches(
    dataset: SpeechDataset, plan: Iterable[list[tuple[int, int]]], workers: int = 0, pin_memory: bool = False
) -> Iterator[Batch]:
    """The batches of `plan` in its order, whatever the number of workers; each worker reads two batches ahead.

    Nothing here draws from torch's global generator, so 0 workers and 4 workers leave it alike.
    """
    loader: Any = DataLoader(
        dataset,
        batch_sampler=_Plan(plan),
        collate_fn=collate,
        num_workers=workers,
        prefetch_factor=2 if workers else None,
        pin_memory=pin_memory,
        generator=torch.Generator(),
    )
    return iter(loader)


class _Plan:
    """An iterable of keys that DataLoader takes for a batch sampler."""

    def __init__(self, plan: Iterable[list[tuple[int, int]]]) -> None:
        self.plan = plan

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        return iter(self.plan)
