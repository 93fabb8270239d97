"""`asr train --find-lr` and `--find-batch`: a run's parts are built, tried and thrown away.

Nothing of the run itself is touched: weights and generators are put back or never shared, no checkpoint is written.
Under torchrun all processes try together and agree on what was found; only the first one speaks. They stay together for
the next search (gloo hangs where a process meets the others a second time); the verb parts them.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import torch

from asr import seeding
from asr.build import System, TrainingData, build_system, build_trainer, fit_features, fitting, read_training_data
from asr.config import Config
from asr.errors import TrainingError
from asr.training import ranks
from asr.training.finding import Size, Trial, grow, range_test, rising
from asr.training.trainer import Trainer
from asr.world import World, available_memory, current_world, forget_peak_memory, peak_memory

_LOWEST, _HIGHEST, _STEPS = 1e-6, 1.0, 120  # 20 steps a decade
_SHARE = 0.8  # of the memory that is free: the rest is for the optimiser, validation and others
LONGEST_STEP = 15.0  # s; nobody wants slower ones, and the search shall end within minutes
_SLOW = 3.0  # s; such a step is measured once
_REPEATS = 2  # the faster one counts: the first touches memory that the system has yet to give


class Batches(NamedTuple):
    """Batches that fit, in the order they were tried, and the audio [s] that a step takes if an epoch is one step."""

    sizes: list[Size]
    corpus: float


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
) -> Batches:
    """Batches of the longest utterances that fit into memory; each is told to `tried` in the first process.

    Seconds are those the sampler counts: of the recordings as perturb.speed plays them. What every process tries at
    the same time is the same, the worst that may happen to it; memory and time are those of the one that needs most.
    """
    with _rehearsal(config, say) as (_, data, trainer):
        world, durations = trainer.world, trainer.sampler.durations(0)
        order = sorted(range(len(data.train)), key=lambda i: -durations[i])
        longest = durations[order[0]]
        base, limit = _room(world)
        sizes: list[Size] = []
        found = grow(
            lambda seconds: _tried(trainer, order[: int(seconds / longest + 1e-6)], longest, sizes),
            longest, longest * len(order), base, limit,
        )  # fmt: skip
        for size in found:
            sizes.append(size)
            if world.is_main:
                tried(size)
        return Batches(sizes, sum(durations) / world.size / config.training.accumulation)


def _room(world: World) -> tuple[float, float]:
    """Memory in use and memory that may be [bytes], the same for all processes; those on a CPU share what there is."""
    forget_peak_memory(world.device)
    sharing = world.size if world.device.type == "cpu" else 1
    free = available_memory(world.device) / sharing
    base, short = ranks.largest([peak_memory(world.device), -free], world)
    return base, base - _SHARE * short


def _tried(trainer: Trainer, indices: list[int], longest: float, sizes: list[Size]) -> Size | None:
    """Forward and backward of a batch of these utterances; None where it does not fit or takes too long."""
    padded, world = longest * len(indices), trainer.world
    if sizes and padded / sizes[-1].pace > LONGEST_STEP:
        return None
    forget_peak_memory(world.device)  # of a size that did not fit
    took = _timed(trainer, indices)
    failed, memory, slowest = ranks.largest([took is None, peak_memory(world.device), took or 0.0], world)
    return None if failed else Size(padded, memory, padded / slowest)


def _timed(trainer: Trainer, indices: list[int]) -> float | None:
    """Seconds of the batch in this process, its reading aside; None where it does not fit."""
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
    return fastest


@contextmanager
def _rehearsal(config: Config, say: Callable[[str], None]) -> Iterator[tuple[System, TrainingData, Trainer]]:
    """The parts of the run that `config` describes, while they are needed; generators are left as they were."""
    before, threads = seeding.capture(), torch.get_num_threads()
    torch.set_num_threads(config.threads or threads)
    world = current_world(config.device)
    speak = say if world.is_main else lambda line: None
    ranks.join(world)
    try:
        data = read_training_data(config, speak)
        system = build_system(config, data.tokenizer, world.device)
        data = fitting(system, data, speak)
        fit_features(system, data)
        if world.rank:
            seeding.seed_everything(config.seed + world.rank)  # as in training
        yield system, data, build_trainer(system, data, Path("runs") / config.name, world)
    finally:
        torch.set_num_threads(threads)
        seeding.restore(before)
