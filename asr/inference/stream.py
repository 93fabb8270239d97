"""Recordings read ahead in threads and put into batches of similar length. Knows neither models nor text."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from asr.audio.io import read_audio
from asr.errors import AudioError


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of a recording by name: `offset` and `duration` in seconds, None meaning to the end."""

    name: str
    path: Path
    offset: float = 0.0
    duration: float | None = None


Sound = Tensor | AudioError  # a waveform (S,), or why there is none


def read_ahead(stretches: Iterable[Stretch], sample_rate: int, workers: int) -> Iterator[tuple[Stretch, Sound]]:
    """Every stretch with its waveform at `sample_rate`, in order, read by `workers` threads (0: none).

    At most four stretches a thread wait to be taken: a folder of any length passes through little memory.
    """

    def read(stretch: Stretch) -> Sound:
        try:
            samples, _ = read_audio(stretch.path, sample_rate, stretch.offset, stretch.duration)
            return torch.from_numpy(samples)
        except AudioError as error:
            return error

    if workers == 0:
        yield from ((stretch, read(stretch)) for stretch in stretches)
        return
    waiting: deque[tuple[Stretch, Future[Sound]]] = deque()
    with ThreadPoolExecutor(workers) as threads:
        for stretch in stretches:
            waiting.append((stretch, threads.submit(read, stretch)))
            if len(waiting) > 4 * workers:
                yield _taken(waiting)
        while waiting:
            yield _taken(waiting)


def _taken(waiting: deque[tuple[Stretch, Future[Sound]]]) -> tuple[Stretch, Sound]:
    stretch, future = waiting.popleft()
    return stretch, future.result()


def windows(
    sounds: Iterable[tuple[Stretch, Sound]],
    samples: int,
    on_error: Callable[[Stretch, AudioError], None] | None,
) -> Iterator[list[tuple[Stretch, Tensor]]]:
    """Runs of consecutive recordings that hold `samples` together, or more by their last one.

    An unreadable recording goes to `on_error` and is left out; without `on_error` its AudioError is raised
    when what was read before it has been yielded.
    """
    window: list[tuple[Stretch, Tensor]] = []
    held = 0
    for stretch, sound in sounds:
        if isinstance(sound, AudioError):
            if on_error is not None:
                on_error(stretch, sound)
                continue
            if window:
                yield window
            raise sound
        window.append((stretch, sound))
        held += len(sound)
        if held >= samples:
            yield window
            window, held = [], 0
    if window:
        yield window


def batches(lengths: Sequence[int], samples: int) -> list[list[int]]:
    """Indices grouped by length, longest first: padded, no batch of two or more exceeds `samples`."""
    groups: list[list[int]] = []
    for index in sorted(range(len(lengths)), key=lambda i: -lengths[i]):
        if groups and lengths[groups[-1][0]] * (len(groups[-1]) + 1) <= samples:
            groups[-1].append(index)
        else:
            groups.append([index])
    return groups
