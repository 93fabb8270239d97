"""A run folder from start to finish: runs/NAME with config.yaml, log.jsonl, events/, checkpoints/, model.pt."""

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import torch

from asr import seeding
from asr.build import (
    TrainingData,
    build_system,
    build_trainer,
    data_digest,
    fit_features,
    fitting,
    read_training_data,
)
from asr.config import Config, config_from_tree, to_tree, write_config
from asr.errors import CheckpointError, ConfigError
from asr.evaluation.training_report import write_training_report
from asr.facts import facts_of
from asr.training import checkpoint, ranks
from asr.training.diagnosis import diagnose_all
from asr.training.history import Row
from asr.training.journal import Journal, truncate_log
from asr.training.trainer import Trainer
from asr.world import World, current_world

# what may differ between a run and its resumption: it changes neither the data order nor the weights' meaning
_FREE = ("device", "threads", "data.workers", "training.log_every", "training.checkpoint_every")
_NAMED = 10  # tokens that an error about two alphabets names


def run_training(
    config: Config,
    run: Path,
    resume: bool,
    say: Callable[[str], None],
    advance: Callable[[float], None] = lambda progress: None,
) -> bool:
    """Train in `run`; True when the run is finished, False when Ctrl-C or SIGTERM stopped and saved it.

    Raises AsrError for what can be wrong with config, data or checkpoint, before the first step where possible.
    """
    world = current_world(config.device)
    speak = say if world.is_main else lambda line: None
    saved = _saved_state(run, config, resume, world)
    torch.set_num_threads(config.threads or torch.get_num_threads())
    ranks.join(world)
    data = read_training_data(config, speak)
    system = build_system(config, data.tokenizer, world.device)
    read, data = data, fitting(system, data, speak)
    fit_features(system, data)
    trainer = build_trainer(system, data, run, world, advance=advance)
    if saved is not None:
        _same_data(saved["parts"], data, run)
        trainer.restore(saved)
        speak(f"resumed at step {trainer.state.step}, epoch {trainer.position():.2f}")
    elif world.rank:
        seeding.seed_everything(config.seed + world.rank)  # the weights are drawn; dropout is each process's own
    journal = trainer.journal = _open_journal(run, config, saved, speak) if world.is_main else None
    speak(_introduction(system.model, data, trainer, world))
    if journal is not None and not any(row["kind"] == "facts" for row in journal.rows):
        journal.record(facts_of(system, read) | ({} if saved is None else {"step": trainer.state.step}))
    try:
        with _signals(trainer, speak):
            return trainer.fit()
    finally:
        if journal is not None:
            journal.show()
            journal.close()
        ranks.leave(world)


def _saved_state(run: Path, config: Config, resume: bool, world: World) -> dict[str, Any] | None:
    """The checkpoint to go on from, or None for a fresh run. Raises when a run would be overwritten or mixed."""
    last = run / "checkpoints" / "last.pt"
    if not resume:
        if last.exists() or (run / "model.pt").exists():
            raise ConfigError(
                f"{run}: holds a run already; expected a fresh name; say --resume, name=another, or remove the folder"
            )
        return None
    if not last.exists():
        return None  # never started, or stopped before its first checkpoint: the start is the place to go on from
    saved = checkpoint.load(last, "checkpoint")
    if len(saved["generators"]) != world.size:
        raise CheckpointError(
            f"{last}: made by {len(saved['generators'])} processes; expected {world.size}; start as many with torchrun"
        )
    _same_config(saved["parts"]["config"], config, last)
    return saved


def _same_config(saved: dict[str, Any], config: Config, last: Path) -> None:
    # through the tree of options, so that what an older version did not know has its default
    before, now = (_flat(to_tree(c)) for c in (config_from_tree(saved, where=str(last)), config))
    for key in sorted(before.keys() | now.keys()):
        if key not in _FREE and before.get(key) != now.get(key):
            raise CheckpointError(
                f"{last}: made with {key}={before.get(key)!r}; expected {now.get(key)!r} as the config says; "
                "resume with the run's own config.yaml, or train under another name"
            )


def _same_data(parts: dict[str, Any], data: TrainingData, run: Path) -> None:
    before, now = parts["tokenizer"], data.tokenizer.state()
    if before != now:
        other = sorted(set(before.get("tokens", ())) ^ set(now["tokens"]))
        names = ", ".join(other[:_NAMED] + ["…"] * (len(other) > _NAMED))
        what = f"another alphabet ({names} differ)" if other else "another lexicon or piece model"
        raise CheckpointError(
            f"{run / 'checkpoints' / 'last.pt'}: made with {what}; expected the training manifest and the files of "
            "`text` it was made with; put them back, or train under another name"
        )

    if parts["data"] != data_digest(data):
        raise CheckpointError(
            f"{run / 'checkpoints' / 'last.pt'}: made with other training utterances; "
            "expected the manifest it was made "
            "with; put that back, train under another name, or remove the run's folder"
        )


def _flat(tree: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    out: dict[str, Any] = {}
    for key, value in tree.items():
        out |= _flat(value, f"{prefix}{key}.") if isinstance(value, dict) and value else {f"{prefix}{key}": value}
    return out


def _open_journal(run: Path, config: Config, saved: dict[str, Any] | None, say: Callable[[str], None]) -> Journal:
    run.mkdir(parents=True, exist_ok=True)
    write_config(run / "config.yaml", config)
    truncate_log(run / "log.jsonl", saved["state"]["step"] if saved else -1)
    return Journal(run, say, saved["state"]["step"] if saved else None, partial(_write_report, run))


def _write_report(run: Path, rows: Sequence[Row]) -> None:
    """The page of the run as its log stands."""
    found = [asdict(diagnosis) for diagnosis in diagnose_all(rows)]
    write_training_report(rows, found, run.name, run / "train.html")


def _introduction(model: torch.nn.Module, data: TrainingData, trainer: Trainer, world: World) -> str:
    parameters = sum(p.numel() for p in model.parameters()) / 1e6
    hours, dev = sum(u.duration for u in data.train) / 3600, sum(u.duration for u in data.dev) / 60
    return (
        f"training on {len(data.train)} utterances ({hours:.2f} h), validating on {len(data.dev)} ({dev:.1f} min), "
        f"{len(data.tokenizer.tokens)} tokens, {parameters:.1f} M parameters, {world.size} × {world.device}, "
        f"padding {trainer.sampler.padding(1):.1%}"
    )


@contextmanager
def _signals(trainer: Trainer, say: Callable[[str], None]) -> Iterator[None]:
    """Ctrl-C and SIGTERM ask the trainer to save and stop after the current step; a second Ctrl-C is the usual one."""

    asked = os.getpid()

    def ask(number: int, frame: FrameType | None) -> None:
        if os.getpid() != asked:  # a loader's worker, which inherits this handler and hears Ctrl-C too
            return
        say("stopping after this step …")
        trainer.stop_asked = True
        signal.signal(signal.SIGINT, signal.default_int_handler)

    before = {s: signal.signal(s, ask) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
