"""Which utterances meet in a batch, and in which order. Metadata only: no audio is touched.

SortaGrad (Deep Speech 2, section 3.4): the first epoch runs from short to long, later ones through shuffled buckets of
like lengths. Everything is a function of (seed, epoch), so a resumed run, a worker and another rank agree.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Literal

import numpy as np

from asr.seeding import generator

SortaGrad = Literal["off", "first_epoch", "always"]
_JITTER = 0.03  # lengths are sorted with ±3 % noise, so batches differ from epoch to epoch yet padding stays low


class BatchSampler:
    """Batches of (epoch, index), each at most `batch_seconds` of padded audio.

    `durations(epoch)` gives the seconds of every utterance in that epoch (speed perturbation changes them).
    A batch of one utterance may be longer than the bound; nothing is dropped. Rank r of n takes every n-th batch.
    """

    def __init__(
        self,
        durations: Callable[[int], Sequence[float]],
        batch_seconds: float,
        *,
        sortagrad: SortaGrad = "first_epoch",
        seed: int = 0,
        rank: int = 0,
        world_size: int = 1,
    ) -> None:
        self.durations, self.batch_seconds, self.sortagrad = durations, batch_seconds, sortagrad
        self.seed, self.rank, self.world_size = seed, rank, world_size
        self._epoch = lru_cache(maxsize=4)(self._arrange)

    def epoch(self, epoch: int) -> list[list[int]]:
        """The batches of this rank in epoch `epoch`, as indices. All ranks get equally many."""
        return self._epoch(epoch)

    def _arrange(self, epoch: int) -> list[list[int]]:
        durations = np.asarray(self.durations(epoch), dtype=np.float64)
        rng = generator(self.seed, epoch, 0)
        jitter = 1.0 + _JITTER * rng.uniform(-1.0, 1.0, len(durations))
        batches = _pack(np.argsort(durations * jitter, kind="stable"), durations, self.batch_seconds)
        ascending = self.sortagrad == "always" or (self.sortagrad == "first_epoch" and epoch == 0)
        order = np.arange(len(batches)) if ascending else rng.permutation(len(batches))
        whole = -(-len(batches) // self.world_size) * self.world_size  # the first ones again, so that no rank waits
        return [batches[order[i % len(order)]] for i in range(self.rank, whole, self.world_size)]

    def plan(self, epoch: int, batch: int, epochs: int) -> Iterator[list[tuple[int, int]]]:
        """Every batch from (epoch, batch) on until `epochs` are over, as the dataset's (epoch, index) keys."""
        for e in range(epoch, epochs):
            for indices in self.epoch(e)[batch if e == epoch else 0 :]:
                yield [(e, i) for i in indices]

    def longest(self) -> list[int]:
        """The batch with the most padded audio in epoch 0: what memory has to hold."""
        durations = np.asarray(self.durations(0))
        return max(self.epoch(0), key=lambda batch: (len(batch) * durations[batch].max(), durations[batch].max()))

    def padding(self, epoch: int) -> float:
        """The share of padding in the batches of an epoch."""
        durations = np.asarray(self.durations(epoch))
        batches = self.epoch(epoch)
        padded = sum(len(batch) * durations[batch].max() for batch in batches)
        return float(1.0 - sum(durations[batch].sum() for batch in batches) / padded)


def _pack(order: np.ndarray, durations: np.ndarray, batch_seconds: float) -> list[list[int]]:
    batches: list[list[int]] = []
    current: list[int] = []
    longest = 0.0
    for index in order.tolist():
        longest = max(longest, durations[index])
        if current and longest * (len(current) + 1) > batch_seconds:
            batches.append(current)
            current, longest = [], durations[index]
        current.append(index)
    return [*batches, current] if current else batches
