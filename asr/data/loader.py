"""Batches from a plan, read ahead by workers."""

import atexit
import multiprocessing
import signal
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import torch
from torch.utils.data import DataLoader, Dataset

from asr.data.dataset import SpeechDataset, collate
from asr.errors import AsrError
from asr.types import Batch, Example


def load_batches(
    dataset: SpeechDataset, plan: Iterable[list[tuple[int, int]]], workers: int = 0, pin_memory: bool = False
) -> Iterator[Batch]:
    """The batches of `plan` in its order, whatever the number of workers; each worker reads two batches ahead.

    Nothing here draws from torch's global generator, so 0 workers and 4 workers leave it alike. What a worker cannot
    read is raised here, as the AudioError it is, when its batch is due.
    """
    loader: Any = DataLoader(
        _Outcomes(dataset),
        batch_sampler=_Plan(plan),
        collate_fn=_collate,
        num_workers=workers,
        prefetch_factor=2 if workers else None,
        pin_memory=pin_memory,
        worker_init_fn=_leave_stopping_to_the_trainer,
        generator=torch.Generator(),
    )
    return _raised(iter(loader))


def _leave_stopping_to_the_trainer(worker: int) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):  # a terminal and a job scheduler tell every process of the run
        signal.signal(number, signal.SIG_IGN)


@atexit.register
def _end_workers() -> None:
    """Kill the workers of batches nobody finished: multiprocessing would send SIGTERM, which they ignore, and wait."""
    left = [process for process in multiprocessing.active_children() if process.daemon]
    if left:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # torch's handler would report that they died
    for process in left:
        process.kill()


def _raised(batches: Iterator[Batch | AsrError]) -> Iterator[Batch]:
    try:
        for batch in batches:
            if isinstance(batch, AsrError):
                raise batch
            yield batch
    finally:
        del batches  # or the traceback of an error would keep the workers alive


class _Outcomes(Dataset[Example | AsrError]):
    """The dataset with errors as values: DataLoader would wrap one raised in a worker into its traceback's text."""

    def __init__(self, dataset: SpeechDataset) -> None:
        self.dataset = dataset

    def __getitem__(self, key: tuple[int, int]) -> Example | AsrError:
        try:
            return self.dataset[key]
        except AsrError as error:
            return error


def _collate(outcomes: Sequence[Example | AsrError]) -> Batch | AsrError:
    error = next((o for o in outcomes if isinstance(o, AsrError)), None)
    return error or collate([o for o in outcomes if isinstance(o, Example)])


class _Plan:
    """An iterable of keys that DataLoader takes for a batch sampler."""

    def __init__(self, plan: Iterable[list[tuple[int, int]]]) -> None:
        self.plan = plan

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        return iter(self.plan)
