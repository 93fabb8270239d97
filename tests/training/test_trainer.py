"""The training loop on a toy: features are the waveform in frames of four samples, the model is one layer."""

import json
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from asr import seeding
from asr.ctc.loss import ctc_loss
from asr.data.dataset import collate
from asr.data.sampler import BatchSampler
from asr.errors import TrainingError
from asr.training import checkpoint
from asr.training.journal import Journal
from asr.training.options import TrainingOptions
from asr.training.state import RunState
from asr.training.trainer import Trainer
from asr.types import Batch, Example
from asr.world import World

WIDTH, TOKENS, COUNT = 4, 5, 12


class Toy(nn.Module):
    """Frames of four samples to logits, with batch statistics and dropout as real models have."""

    def __init__(self, dropout: float = 0.0) -> None:
        super().__init__()
        self.norm, self.dropout, self.output = nn.BatchNorm1d(WIDTH), nn.Dropout(dropout), nn.Linear(WIDTH, TOKENS)

    def forward(self, features: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        x = self.norm(features.flatten(0, 1)).view_as(features)
        return self.output(self.dropout(x)), lengths


def front_end(batch: Batch, epoch: int, view: int = 0) -> tuple[Tensor, Tensor]:
    frames = batch.waveforms.unfold(1, WIDTH, WIDTH)
    return frames, batch.waveform_lengths // WIDTH


def examples(frames: int = 8) -> list[Example]:
    """Token k sounds as k at sample k of every frame, so one layer can learn it; all of one length."""
    made = []
    for i in range(COUNT):
        said = [1 + (i + j) % (TOKENS - 1) for j in range(3)]
        wave = torch.zeros(frames, WIDTH)
        for j, token in enumerate(said):
            wave[2 * j, token - 1] = 1.0
        made.append(Example(i, f"u{i}", wave.flatten(), torch.tensor(said)))
    return made


def loader(data: list[Example]) -> Callable[[Iterable[list[tuple[int, int]]]], Iterator[Batch]]:
    return lambda plan: (collate([data[i] for _, i in keys]) for keys in plan)


def trainer(
    run: Path, data: list[Example] | None = None, *, batch: float = 4.0, model: nn.Module | None = None, **more
):
    """A trainer of a toy in `run`; `batch` utterances a batch, `more` are training options and Trainer's parts."""
    data = data or examples()
    parts = {name: more.pop(name) for name in ("validate", "journal", "load") if name in more}
    torch.manual_seed(0)
    return Trainer(
        model or Toy(),
        front_end,
        BatchSampler(lambda epoch: [1.0] * len(data), batch),
        parts.get("load") or loader(data),
        parts.get("validate") or (lambda model: {"wer": 0.5, "cer": 0.5, "loss": 1.0}),
        TrainingOptions(**({"epochs": 2, "lr": 0.02, "log_every": 1, "average": 1} | more)),
        run=run,
        parts={"config": {}},
        world=World(0, 1, torch.device("cpu")),
        sample_rate=8000,
        journal=parts.get("journal"),
    )


def rows(run: Path, kind: str) -> list[dict]:
    every = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    return [row for row in every if row["kind"] == kind]


def weights(model: nn.Module) -> dict[str, Tensor]:
    return {k: v.clone() for k, v in model.state_dict().items()}


def equal(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[k], other[k]) for k in one)


def test_the_log_has_the_yardsticks_of_its_own_batches(tmp_path: Path) -> None:
    """What an untrained, even output costs on the very utterances of a line, an utterance without room left out."""
    data = [
        Example(e.index, e.id, e.waveform[: (2 if i == 7 else 4 + i % 4) * WIDTH], e.targets)
        for i, e in enumerate(examples())
    ]
    seen: list[list[int]] = []
    load = loader(data)
    journal = Journal(tmp_path)
    made = trainer(tmp_path, data, journal=journal, epochs=1, accumulation=2, clip=1e-6)
    made.load = lambda plan: load(seen.append([i for _, i in keys]) or keys for keys in plan)
    assert made.fit()
    journal.close()
    logged = rows(tmp_path, "step")
    batches = [list(chain(*seen[i : i + 2])) for i in range(1, len(seen), 2)]  # the first one probes memory
    assert len(batches) == len(logged) == 2
    for row, indices in zip(logged, batches, strict=True):
        fitting = [data[i] for i in indices if i != 7]
        nats = [
            float(ctc_loss(torch.zeros(1, n, TOKENS), e.targets[None], torch.tensor([n]), torch.tensor([3])))
            for e in fitting
            for n in [len(e.waveform) // WIDTH]
        ]
        assert row["even_loss"] == pytest.approx(sum(nats) / sum(len(e.targets) for e in fitting), rel=1e-4)
        assert 0.0 < row["blanks_loss"] <= row["even_loss"] and row["clipped"] == 1.0


def test_a_checkpoint_of_before_yardsticks_goes_on(tmp_path: Path) -> None:
    saved = RunState().plain()
    for name in ("even", "only_blanks", "clipped"):
        del saved["window"][name]
    assert RunState.from_plain(saved) == RunState()


def test_the_loss_falls_and_every_file_is_there(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    assert trainer(tmp_path, epochs=30, lr=0.1, journal=journal).fit()
    journal.close()
    steps = rows(tmp_path, "step")
    assert len(steps) == 90 and [row["step"] for row in steps] == list(range(1, 91))
    assert steps[0]["loss"] > 1.0 and steps[-1]["loss"] < 0.3 * steps[0]["loss"]
    assert len(rows(tmp_path, "validation")) == 30 and steps[-1]["epoch"] == 30
    assert steps[-1]["padding"] == 0 and steps[-1]["skipped"] == 0
    assert checkpoint.load(tmp_path / "model.pt", "model")["config"] == {}
    assert checkpoint.load(tmp_path / "checkpoints" / "last.pt", "checkpoint")["state"]["step"] == 90


def test_the_loss_in_the_log_is_nats_a_token(tmp_path: Path) -> None:
    """The first batch again by hand, utterance by utterance."""
    journal, data, model = Journal(tmp_path), examples(), Toy()
    before = weights(model)
    run = trainer(tmp_path, data, model=model, epochs=1, journal=journal)
    first = run.sampler.epoch(0)[0]
    run.fit()
    copy = Toy()
    copy.load_state_dict(before)
    batch = collate([data[i] for i in first])
    logits, lengths = copy(*front_end(batch, 0))
    nats = nn.functional.ctc_loss(
        logits.log_softmax(-1).transpose(0, 1), batch.targets, lengths, batch.target_lengths, reduction="none"
    )
    assert rows(tmp_path, "step")[0]["loss"] == pytest.approx(float(nats.detach().sum()) / (3 * len(first)), rel=1e-4)


def test_the_log_tells_of_blanks_in_the_model_and_in_the_alignments(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    trainer(tmp_path, epochs=60, lr=0.1, journal=journal).fit()
    journal.close()
    apart = [abs(row["blank_probability"] - row["blank_occupancy"]) for row in rows(tmp_path, "step")]
    assert apart[-1] < 0.05 < apart[0]  # a model that has learned says blank where the targets leave room for it


def test_accumulating_two_half_batches_is_one_batch(tmp_path: Path) -> None:
    """The gradient is that of the summed loss over the summed tokens, though the halves differ in tokens."""
    data = examples()
    data[0] = Example(0, "u0", data[0].waveform, data[0].targets[:1])
    whole, halves = [Toy(), Toy()]
    halves.load_state_dict(whole.state_dict())
    for model in (whole, halves):
        model.norm = nn.Identity()  # batch statistics do differ between halves
        model.norm.forward = lambda x: x
    trainer(tmp_path / "a", data, model=whole, batch=12.0, optimizer="sgd", clip=1e6).fit()
    run = trainer(tmp_path / "b", data, model=halves, batch=6.0, optimizer="sgd", clip=1e6, accumulation=2)
    run.fit()
    assert run.state.step == 2
    for key, value in whole.state_dict().items():
        torch.testing.assert_close(halves.state_dict()[key], value, rtol=1e-5, atol=1e-6)


def test_the_last_batches_make_a_smaller_step(tmp_path: Path) -> None:
    run = trainer(tmp_path, epochs=1, batch=4.0, accumulation=2)  # three batches
    assert run.fit() and run.state.step == 2 and run.state.epoch == 1


def with_nan(data: list[Example], *bad: int) -> list[Example]:
    return [
        Example(e.index, e.id, torch.full_like(e.waveform, float("nan")), e.targets) if e.index in bad else e
        for e in data
    ]


def test_a_step_that_is_not_finite_changes_nothing(tmp_path: Path) -> None:
    bad = trainer(tmp_path).sampler.epoch(0)[1][0]  # in the middle of three steps
    journal = Journal(tmp_path)
    run = trainer(tmp_path, with_nan(examples(), bad), epochs=1, journal=journal)
    seen: list[tuple[bool, bool]] = []
    take = run._step

    def step(batches: Iterator[Batch]) -> None:
        before, place = weights(run.model), run.state.batch
        take(batches)
        seen.append((bad in run.sampler.epoch(0)[place], equal(before, weights(run.model))))

    run._step = step
    assert run.fit()
    assert [broken for broken, _ in seen] == [False, True, False]
    assert [unchanged for _, unchanged in seen] == [False, True, False]
    assert run.state.skipped == 1 and run.state.bad_in_a_row == 0 and rows(tmp_path, "step")[-1]["skipped"] == 1
    assert all(torch.isfinite(v).all() for v in run.model.state_dict().values())


def test_too_many_in_a_row_stop_the_run_with_their_ids(tmp_path: Path) -> None:
    run = trainer(tmp_path, with_nan(examples(), *range(COUNT)), bad_steps=2)
    named = [f"u{i}" for batch in run.sampler.epoch(0)[:2] for i in batch]
    with pytest.raises(TrainingError, match="2 steps in a row were not finite") as caught:
        run.fit()
    assert str(caught.value).endswith(", ".join(named)) and run.state.step < 3


def test_targets_that_do_not_fit_are_named_once_and_left_out(tmp_path: Path) -> None:
    data = examples()
    data[3] = Example(3, "long", data[3].waveform, torch.tensor([1, 1, 1, 1, 1, 1]))  # 11 frames needed, 8 there
    said: list[str] = []
    journal = Journal(tmp_path, said.append)
    run = trainer(tmp_path, data, epochs=3, journal=journal)
    assert run.fit()
    named = [line for line in said if line.startswith("utt long: ")]
    assert len(named) == 1 and "8 frames" in named[0] and run.state.infeasible == ["long"]
    assert run.state.skipped == 0 and all(np.isfinite(row["loss"]) for row in rows(tmp_path, "step"))


def test_targets_that_never_fit_change_no_weight_and_end_the_run(tmp_path: Path) -> None:
    data = [Example(e.index, e.id, e.waveform, torch.ones(6, dtype=torch.int64)) for e in examples()]
    run = trainer(tmp_path, data, epochs=1, weight_decay=0.0)
    before = weights(run.model)["output.weight"]
    with pytest.raises(TrainingError, match="nothing was learned"):
        run.fit()
    assert len(run.state.infeasible) == COUNT
    assert torch.equal(run.model.output.weight, before)


def scripted(*wers: float) -> Callable[[nn.Module], dict[str, float]]:
    left = list(wers)
    return lambda model: {"wer": left.pop(0), "cer": 0.1, "loss": 1.0}


def test_early_stopping_keeps_the_best(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    at_best: list[dict[str, Tensor]] = []
    measure = scripted(0.9, 0.4, 0.6, 0.5, 0.45)

    def validate(model: nn.Module) -> dict[str, float]:
        metrics = measure(model)
        if metrics["wer"] == 0.4:
            at_best.append(weights(model))
        return metrics

    run = trainer(tmp_path, epochs=50, patience=3, validate=validate, journal=journal)
    assert run.fit() and run.state.epoch == 5
    assert run.state.best_wer == 0.4 and run.state.stale == 3
    assert equal(checkpoint.load(tmp_path / "model.pt", "model")["model"], at_best[0])
    assert [row["best"] for row in rows(tmp_path, "validation")] == [True, True, False, False, False]


@pytest.mark.parametrize("of_mean, chosen", [(0.1, "mean"), (0.9, "single")])
def test_the_mean_of_the_last_weights_is_the_model_where_better(tmp_path: Path, of_mean: float, chosen: str) -> None:
    seen: list[dict[str, Tensor]] = []
    measure = scripted(0.9, 0.5, 0.4, 0.6, of_mean)

    def validate(model: nn.Module) -> dict[str, float]:
        seen.append(weights(model))
        return measure(model)

    run = trainer(tmp_path, epochs=4, average=3, validate=validate)
    assert run.fit() and len(seen) == 5
    mean = {k: torch.stack([s[k].double() for s in seen[1:4]]).mean(0) for k in seen[0]}
    for key in ("output.weight", "norm.running_mean"):
        torch.testing.assert_close(seen[4][key].double(), mean[key], rtol=1e-5, atol=1e-7)
    saved = checkpoint.load(tmp_path / "model.pt", "model")["model"]
    assert equal(saved, seen[4] if chosen == "mean" else seen[2])
    assert equal(weights(run.model), seen[3])  # training itself is not averaged


def test_equal_word_errors_are_settled_by_the_loss(tmp_path: Path) -> None:
    losses = [2.0, 1.0, 1.5]
    run = trainer(tmp_path, epochs=3, validate=lambda model: {"wer": 1.0, "cer": 1.0, "loss": losses.pop(0)})
    run.fit()
    assert run.state.best_loss == 1.0 and run.state.stale == 1


def test_validations_come_where_asked(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    trainer(tmp_path, epochs=2, batch=1.0, validate_every=0.5, journal=journal).fit()
    assert [row["epoch"] for row in rows(tmp_path, "validation")] == [0.5, 1.0, 1.5, 2.0]


class Clock:
    """A clock that goes on by a second whenever it is read."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1.0
        return self.now


def test_a_budget_of_minutes_ends_and_anneals_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "perf_counter", Clock())
    journal, told = Journal(tmp_path), []
    run = trainer(tmp_path, epochs=10_000, minutes=2.0, journal=journal, schedule="cosine", warmup=0.0)
    run.advance = told.append
    assert run.fit() and 120 <= run.state.elapsed < 150 and run.state.epoch < 100
    rates = [row["lr"] for row in rows(tmp_path, "step")]
    assert rates == sorted(rates, reverse=True) and rates[-1] < 0.01 * rates[0]
    assert told == sorted(told) and told[-1] == 1.0
    assert rows(tmp_path, "validation")[-1]["step"] == run.state.step


def test_the_share_of_waiting_and_the_pace_are_of_steps_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading takes 1 s of a step's 4, validation an hour; 4 utterances of 32 samples at 8 kHz a step."""
    clock = Clock()
    clock.now = 0.0
    monkeypatch.setattr(time, "perf_counter", lambda: clock.now)
    data = examples()

    def load(plan: Iterable[list[tuple[int, int]]]) -> Iterator[Batch]:
        for keys in plan:
            clock.now += 1.0
            yield collate([data[i] for _, i in keys])

    def validate(model: nn.Module) -> dict[str, float]:
        clock.now += 3600.0
        return {"wer": 1.0, "cer": 1.0, "loss": 1.0}

    class Slow(Toy):
        def forward(self, features: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
            clock.now += 3.0
            return super().forward(features, lengths)

    journal = Journal(tmp_path)
    run = trainer(tmp_path, data, model=Slow(), journal=journal, load=load, validate=validate)
    assert run.fit()
    for row in rows(tmp_path, "step"):
        assert row["data_wait"] == pytest.approx(0.25) and row["audio_seconds_per_second"] == pytest.approx(
            128 / 8000 / 4
        )
    assert run.state.elapsed == 6 * 4 + 2 * 3600


def test_checkpoints_come_by_the_clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "perf_counter", Clock())
    run = trainer(tmp_path, epochs=4, batch=1.0, validate_every=4.0, checkpoint_every=0.25)
    saves: list[int] = []
    save = run._save_last
    run._save_last = lambda: (saves.append(run.state.step), save())[1]
    run.fit()
    gaps = np.diff([0, *saves])
    assert len(saves) > 4 and len(set(gaps[:-1].tolist())) <= 2 and gaps.max() <= 16


def test_the_probe_of_the_longest_batch_leaves_no_trace(tmp_path: Path) -> None:
    run = trainer(tmp_path, model=Toy(dropout=0.5))
    seeding.seed_everything(4)
    before, state, drawn = weights(run.model), run.state.plain(), seeding.capture()
    shown: list[int] = []
    load = run.load
    run.load = lambda plan: (shown.append(len(batch.ids)) or batch for batch in load(plan))
    run._probe_longest()
    assert shown == [4] and equal(weights(run.model), before) and run.state.plain() == state
    assert torch.equal(torch.get_rng_state(), drawn["torch"]) and seeding.capture()["numpy"] == drawn["numpy"]
    assert all(p.grad is None for p in run.model.parameters()) and not run.optimizer.state


def test_memory_that_fails_in_the_probe_is_one_line(tmp_path: Path) -> None:
    class Hungry(Toy):
        def forward(self, features: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB\nmore words")

    with pytest.raises(TrainingError, match=r"longest batch \(4 utterances\).*data\.batch_seconds") as caught:
        trainer(tmp_path, model=Hungry()).fit()
    assert "\n" not in str(caught.value)


def test_validation_does_not_disturb_the_generators(tmp_path: Path) -> None:
    def noisy(model: nn.Module) -> dict[str, float]:
        model.eval()
        torch.randn(3), np.random.rand(3)
        return {"wer": 1.0, "cer": 1.0, "loss": 1.0}

    ends = []
    for name, validate, every in (("a", noisy, 0.34), ("b", None, 2.0)):
        run = trainer(tmp_path / name, model=Toy(dropout=0.5), epochs=2, validate=validate, validate_every=every)
        torch.manual_seed(7)
        run.model.load_state_dict(Toy().state_dict())
        run.fit()
        ends.append(weights(run.model))
    assert equal(*ends)


@pytest.mark.parametrize("stop", [1, 2, 3, 4, 5])
def test_stopped_and_restored_is_never_stopped(tmp_path: Path, stop: int) -> None:
    options = {"epochs": 2, "average": 2, "validate_every": 0.5, "batch": 4.0}

    def fresh(name: str, journal: Journal | None = None) -> Trainer:
        torch.manual_seed(1)
        run = trainer(tmp_path / name, model=Toy(dropout=0.3), journal=journal, **options)
        return run

    whole = fresh("whole")
    whole.fit()
    first = fresh("parts")
    first.advance = lambda progress: setattr(first, "stop_asked", first.state.step >= stop)
    assert not first.fit() and first.state.step == stop
    torch.manual_seed(99)
    second = fresh("parts")
    second.restore(checkpoint.load(tmp_path / "parts" / "checkpoints" / "last.pt", "checkpoint"))
    assert second.fit()
    assert equal(weights(whole.model), weights(second.model))
    assert len(whole.snapshots) == len(second.snapshots) == 2
    assert all(equal(a, b) for a, b in zip(whole.snapshots, second.snapshots, strict=True))
    ignore = {"elapsed", "window"}
    states = [{k: v for k, v in run.state.plain().items() if k not in ignore} for run in (whole, second)]
    assert states[0] == states[1]
    for name in ("model.pt", "checkpoints/best.pt"):
        saved = [checkpoint.load(tmp_path / run / name, "model")["model"] for run in ("whole", "parts")]
        assert equal(*saved)
