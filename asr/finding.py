"""`asr train --find-lr` and `--find-batch`: a run's parts are built, tried and thrown away.

Nothing of the run itself is touched: weights and generators are put back or never shared, no checkpoint is written.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from asr import seeding
from asr.build import System, TrainingData, build_system, build_trainer, fit_features, fitting, read_training_data
from asr.config import Config
from asr.errors import TrainingError
from asr.training.finding import Size, Trial, grow, range_test, rising
from asr.training.trainer import Trainer
from asr.world import available_memory, current_world, peak_memory

_LOWEST, _HIGHEST, _STEPS = 1e-6, 1.0, 120  # 20 steps a decade
_SHARE = 0.8  # of the memory that is free: the rest is for the optimiser, validation and others
LONGEST_STEP = 15.0  # s; nobody wants slower ones, and the search shall end within minutes
_SLOW = 3.0  # s; such a step is measured once
_REPEATS = 2  # the faster one counts: the first touches memory that the system has yet to give


def find_rate(
    config: Config, say: Callable[[str], None], advance: Callable[[float], None] = lambda done: None
) -> list[Trial]:
    """A range test of the run's learning rate over shuffled batches. Raises AsrError as training does."""
    shuffled = config.data.model_copy(update={"sortagrad": "off"})  # lengths must not rise with the rate
    with _rehearsal(config.model_copy(update={"data": shuffled}), say) as (_, _, trainer):
        trials, rates = [], rising(_LOWEST, _HIGHEST, _STEPS)
        for trial in range_test(rates, trainer.rehearse(rates)):
            trials.append(trial)
            advance(len(trials) / _STEPS)
    return trials


def find_batch(
    config: Config, say: Callable[[str], None], tried: Callable[[Size], None] = lambda size: None
) -> list[Size]:
    """Batches of the longest utterances that fit into memory, in the order they were tried; each is told to `tried`."""
    with _rehearsal(config, say) as (system, data, trainer):
        order = sorted(range(len(data.train)), key=lambda i: -data.train[i].duration)
        longest = data.train[order[0]].duration
        device, base = system.device, peak_memory(system.device)
        sizes: list[Size] = []
        found = grow(
            lambda seconds: _tried(trainer, order[: int(seconds / longest + 1e-6)], longest, sizes),
            longest, longest * len(order), base, base + _SHARE * available_memory(device),
        )  # fmt: skip
        for size in found:
            sizes.append(size)
            tried(size)
    return sizes


def _tried(trainer: Trainer, indices: list[int], longest: float, sizes: list[Size]) -> Size | None:
    """Forward and backward of a batch of these utterances; None where it does not fit or takes too long."""
    padded = longest * len(indices)
    if sizes and padded / sizes[-1].pace > LONGEST_STEP:
        return None
    fastest = float("inf")
    for _ in range(_REPEATS):
        try:
            started = time.perf_counter()
            waited = trainer.probe(indices)
            if trainer.world.device.type == "cuda":
                torch.cuda.synchronize()
            fastest = min(fastest, time.perf_counter() - started - waited)
        except TrainingError:
            return None
        if fastest > _SLOW:
            break
    return Size(padded, peak_memory(trainer.world.device), padded / fastest)


@contextmanager
def _rehearsal(config: Config, say: Callable[[str], None]) -> Iterator[tuple[System, TrainingData, Trainer]]:
    """The parts of the run that `config` describes, while they are needed; generators are left as they were."""
    before, threads = seeding.capture(), torch.get_num_threads()
    torch.set_num_threads(config.threads or threads)
    try:
        world = current_world(config.device)
        data = read_training_data(config, say)
        system = build_system(config, data.tokenizer, world.device)
        data = fitting(system, data, say)
        fit_features(system, data)
        yield system, data, build_trainer(system, data, Path("runs") / config.name, world)
    finally:
        torch.set_num_threads(threads)
        seeding.restore(before)
