"""The training loop. Knows batches, a model, a loss and a clock; not decoders, reports or configuration files.

The order of things: validate? save? stop? then one step, then one log line. The last pass only validates and saves.
"""

import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from asr import seeding
from asr.ctc.collapse import BLANK
from asr.ctc.loss import feasible
from asr.data.sampler import BatchSampler
from asr.errors import TrainingError
from asr.training import checkpoint, ranks
from asr.training.journal import Journal
from asr.training.objective import Losses, Objective
from asr.training.optim import learning_rate, make_optimizer
from asr.training.options import TrainingOptions
from asr.training.probe import try_out
from asr.training.selection import better, mean
from asr.training.state import RunState, Window
from asr.training.yardsticks import Constant, constant_nats, repeats_of
from asr.types import Batch
from asr.world import World, multiplies_bfloat16

# batch, epoch, number of the augmented view → features (B, T, F), lengths (B,)
FrontEnd = Callable[[Batch, int, int], tuple[Tensor, Tensor]]
# → wer, cer, loss (nats per token); maybe `samples`, plain data that the log keeps
Validate = Callable[[nn.Module], dict[str, Any]]


class Trainer:
    """Trains `model` and leaves `run/model.pt`, `run/checkpoints/{last,best}.pt` and the journal's files.

    `parts` is the plain data saved beside the weights in model.pt (config, tokenizer, features); `advance(progress)`
    is told the share of the run that is over, for a progress bar. What is minimised is plain CTC unless given.
    """

    def __init__(
        self,
        model: nn.Module,
        front_end: FrontEnd,
        sampler: BatchSampler,
        load: Callable[[Iterable[list[tuple[int, int]]]], Iterator[Batch]],
        validate: Validate,
        options: TrainingOptions,
        *,
        run: Path,
        parts: dict[str, Any],
        world: World,
        sample_rate: int,
        objective: Objective | None = None,
        journal: Journal | None = None,
        advance: Callable[[float], None] = lambda progress: None,
    ) -> None:
        self.model, self.front_end, self.sampler, self.load = model, front_end, sampler, load
        self.validate, self.options, self.run, self.parts, self.world = validate, options, run, parts, world
        self.sample_rate, self.journal, self.advance = sample_rate, journal, advance
        self.objective = Objective() if objective is None else objective
        self.optimizer = make_optimizer(model, options)
        self.state = RunState(next_validation=options.validate_every)
        self.snapshots: deque[dict[str, Tensor]] = deque(maxlen=options.average)
        self.stop_asked = False
        self._bad_ids: list[str] = []
        self._saved_at = 0.0  # s of elapsed

    # ── the loop ──────────────────────────────────────────────────────────────────────────────────────────────────

    def fit(self) -> bool:
        """Train to the end (True) or until `stop_asked` (False). Raises TrainingError, CheckpointError."""
        self._probe_longest()
        batches = self.load(self.sampler.plan(self.state.epoch, self.state.batch, self.options.epochs))
        self._saved_at, self._clock = self.state.elapsed, time.perf_counter()
        while True:
            finished = self.progress() >= 1.0
            if (
                finished or self.position() >= self.state.next_validation
            ) and self.state.validated_step < self.state.step:
                self._validate()
                self._save_last()
            if finished or self._out_of_patience():
                self._finish()
                return True
            if self._asked_to_stop():
                self._save_last()
                return False
            if self.state.elapsed - self._saved_at > 60 * self.options.checkpoint_every:
                self._save_last()
            self._step(batches)
            if self.state.step % self.options.log_every == 0:
                self._log()

    def position(self) -> float:
        """Epochs done, with the share of the current one."""
        if self.state.epoch >= self.options.epochs:
            return float(self.options.epochs)
        return self.state.epoch + self.state.batch / len(self.sampler.epoch(self.state.epoch))

    def progress(self) -> float:
        """Share of the run that is over: of the epochs, or of the minutes where those end first."""
        share = self.position() / self.options.epochs
        if self.options.minutes is not None:
            share = max(share, self.state.elapsed / (60 * self.options.minutes))
        return min(1.0, share)

    # ── one step ──────────────────────────────────────────────────────────────────────────────────────────────────

    def rehearse(self, rates: Iterable[float]) -> Iterator[float]:
        """A step at each learning rate, epoch after epoch; → the loss before it, nats per token. For range tests."""
        self._clock = time.perf_counter()
        self.model.train()
        batches = self.load(self.sampler.plan(0, 0, sys.maxsize))
        for lr in rates:
            yield self._step(batches, lr)

    def _step(self, batches: Iterator[Batch], lr: float | None = None) -> float:
        """Accumulate, divide once, clip, update; or skip what is not finite. → nats per token."""
        if lr is None:
            lr = learning_rate(self.options, self.progress(), self.state.epoch)
        for group in self.optimizer.param_groups:
            group["lr"] = lr
        buffers = [b.clone() for b in self.model.buffers()]
        sums, ids = [0.0] * 4, list[str]()
        for _ in range(self.options.accumulation):
            batch = self._next(batches)
            if batch is None:
                break
            sums = [a + b for a, b in zip(sums, self._forward_backward(batch), strict=True)]
            ids += batch.ids
        loss, count, even, blanks = ranks.total(sums, self.world)
        ranks.sum_gradients(self.model, self.world)
        norm = self._divide_and_clip(max(1.0, count))
        good = bool(torch.isfinite(torch.tensor(loss)) and torch.isfinite(norm))
        if good:
            self.optimizer.step()
            self._note_good(loss, count, (even, blanks), float(norm))
        else:
            self._note_bad(ids, buffers)
        self.objective.end_step(self.world, good)
        self.optimizer.zero_grad(set_to_none=True)
        self.state.step += 1
        self._tick()
        self.advance(self.progress())
        return loss / max(1.0, count)

    def _next(self, batches: Iterator[Batch]) -> Batch | None:
        started = time.perf_counter()
        batch = next(batches, None)
        self.state.window.waited += time.perf_counter() - started
        if batch is None:
            return None
        return batch.to(self.world.device)

    def _forward_backward(self, batch: Batch) -> tuple[float, float, float, float]:
        """Gradients of the summed loss; → its nats, the tokens it is a sum over, and the nats of constant outputs.

        Moves the position on.
        """
        losses, logits, lengths, frames = self._losses(batch)
        usable = torch.isfinite(losses) | torch.isnan(losses)  # inf: no alignment exists; nan: something broke
        loss = losses[usable].sum()
        loss.backward()
        self._count(batch, logits.detach(), lengths, usable)
        if frames is not None:
            self.state.window.note_blanks(float(frames.blank_probability.sum()), float(frames.blank_occupancy.sum()))
        self.objective.note(logits.detach(), lengths * usable)
        self.state.batch += 1
        if self.state.batch >= len(self.sampler.epoch(self.state.epoch)):
            self.state.epoch, self.state.batch = self.state.epoch + 1, 0
        constant = self._constant(batch, logits.shape[-1], lengths, usable)
        return float(loss.detach()), float(batch.target_lengths[usable].sum()), constant.even, constant.blanks

    def _losses(self, batch: Batch) -> Losses:
        return self.objective(batch, partial(self.front_end, batch, self.state.epoch), self._logits)

    def _logits(self, features: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        with self._precision():
            return self.model(features, lengths)

    def _precision(self) -> AbstractContextManager:
        auto = self.options.precision == "auto" and multiplies_bfloat16(self.world.device)
        enabled = auto or self.options.precision == "bf16"
        return torch.autocast(self.world.device.type, torch.bfloat16, enabled=enabled)

    def _divide_and_clip(self, count: float) -> Tensor:
        weights = [p for p in self.model.parameters() if p.grad is not None]
        for weight in weights:
            weight.grad.div_(count)  # type: ignore[union-attr]
        return nn.utils.clip_grad_norm_(weights, self.options.clip)

    def _constant(self, batch: Batch, num_tokens: int, lengths: Tensor, usable: Tensor) -> Constant:
        fitting = feasible(batch.targets, lengths, batch.target_lengths) & usable
        frames, labels = lengths[fitting].tolist(), batch.target_lengths[fitting].tolist()
        repeats = repeats_of(batch.targets[fitting], batch.target_lengths[fitting])
        return constant_nats(frames, labels, repeats, num_tokens)

    # ── bookkeeping ───────────────────────────────────────────────────────────────────────────────────────────────

    def _count(self, batch: Batch, logits: Tensor, lengths: Tensor, usable: Tensor) -> None:
        window = self.state.window
        best = logits.argmax(-1)
        spoken = (best != BLANK) & (torch.arange(best.shape[1], device=best.device) < lengths[:, None])
        window.frames += int(lengths.sum())
        window.blanks += int(lengths.sum()) - int(spoken.sum())
        window.utterances += len(batch.ids)
        window.empty += int((~spoken.any(1)).sum())
        window.samples += batch.samples
        window.padded += batch.waveforms.numel()
        for row in (~usable).nonzero().flatten().tolist():
            if batch.ids[row] not in self.state.infeasible:
                self.state.infeasible.append(batch.ids[row])
                self._say(
                    f"utt {batch.ids[row]}: its targets do not fit into {int(lengths[row])} frames; "
                    "it is left out of the loss"
                )

    def _note_good(self, loss: float, count: float, constant: tuple[float, float], norm: float) -> None:
        self.state.window.note_step(loss, count, constant, norm, norm > self.options.clip)
        self.state.tokens += count
        self.state.bad_in_a_row = 0
        self._bad_ids.clear()

    def _note_bad(self, ids: list[str], buffers: list[Tensor]) -> None:
        """A step that is not finite changes nothing, and is counted; too many in a row end the run."""
        for buffer, before in zip(self.model.buffers(), buffers, strict=True):
            buffer.copy_(before)
        self.state.skipped += 1
        self.state.bad_in_a_row += 1
        self._bad_ids += [i for i in ids if i not in self._bad_ids]
        if self.state.bad_in_a_row >= self.options.bad_steps:
            raise TrainingError(
                f"{self.run}: {self.state.bad_in_a_row} steps in a row were not finite; "
                "expected finite losses and gradients; "
                f"lower training.lr or look at these utterances: {', '.join(self._bad_ids[:20])}"
            )

    def _tick(self, learning: bool = True) -> None:
        """Read the clock: everything counts as elapsed, only learning towards the pace in the log."""
        now = time.perf_counter()
        self.state.window.seconds += (now - self._clock) * learning
        elapsed = self.state.elapsed + now - self._clock
        self.state.elapsed = ranks.total([elapsed], self.world)[0] / self.world.size
        self._clock = now

    def _log(self) -> None:
        state, summary = self.state, self.state.window.summary(self.sample_rate, self.objective.comparable)
        state.window = Window()
        rate = {"lr": self.optimizer.param_groups[0]["lr"]}
        counts = {"skipped": state.skipped, "infeasible": len(state.infeasible)}
        self._record({"kind": "step", **self._place(), **rate, **summary, **counts})

    def _place(self) -> dict[str, float]:
        """Where in the run a row of the log is."""
        state = self.state
        return {
            "step": state.step, "epoch": self.position(), "progress": self.progress(), "elapsed": state.elapsed,
        }  # fmt: skip

    def _record(self, row: dict[str, Any]) -> None:
        if self.journal is not None:
            self.journal.record(row)

    def _say(self, line: str) -> None:
        if self.journal is not None:
            self.journal.say(line)

    def _probe_longest(self) -> None:
        self.probe(self.sampler.longest())

    def probe(self, indices: list[int]) -> float:
        """Try a batch of these and undo it; → s until it was read. Raises TrainingError: too little memory."""
        started = time.perf_counter()
        batches = [batch.to(self.world.device) for batch in self.load([[(0, i) for i in indices]])]
        waited = time.perf_counter() - started
        try_out(self.model, batches, lambda batch: self._losses(batch)[0], str(self.run))
        return waited

    # ── validation, saving, the end ───────────────────────────────────────────────────────────────────────────────

    def _validate(self) -> None:
        if not self.state.tokens and not self.state.skipped:
            raise TrainingError(
                f"{self.run}: nothing was learned from up to step {self.state.step}, no targets fit into their frames; "
                "expected most to fit; lower model.subsampling or the fastest perturb.speed"
            )
        ranks.follow_first(list(self.model.buffers()), self.world)
        metrics, samples = self._measure()
        state = self.state
        best = better(metrics, state.best_wer, state.best_loss)
        state.stale = 0 if best else state.stale + 1
        if best:
            state.best_wer, state.best_loss = metrics["wer"], metrics["loss"]
            self._save_model("checkpoints/best.pt", self.model.state_dict())
            self._save_model("model.pt", self.model.state_dict())
        if self.options.average > 1:
            self.snapshots.append({k: v.detach().cpu().clone() for k, v in self.model.state_dict().items()})
        state.validated_step = state.step
        state.next_validation = self.position() + self.options.validate_every
        self._tick(learning=False)
        self._record(
            {
                "kind": "validation",
                **self._place(),
                **metrics,
                "best": best,
                "best_wer": state.best_wer,
                **samples,
            }
        )

    def _measure(self) -> tuple[dict[str, float], dict[str, Any]]:
        """Rank 0 validates, the others learn the outcome; what is no number stays there. Generators are left alone."""
        before = seeding.capture()
        found = dict(self.validate(self.model)) if self.world.is_main else {"wer": 0.0, "cer": 0.0, "loss": 0.0}
        samples = {"samples": found.pop("samples")} if "samples" in found else {}
        metrics: dict[str, float] = found
        self.model.train()
        seeding.restore(before)
        return dict(zip(metrics, ranks.total(list(metrics.values()), self.world), strict=True)), samples

    def _finish(self) -> None:
        """The mean of the last weights becomes the model if better than the best single one (Izmailov et al. 2018)."""
        if len(self.snapshots) < 2:
            return
        final = {k: v.clone() for k, v in self.model.state_dict().items()}
        self.model.load_state_dict(mean(list(self.snapshots)))
        metrics, _ = self._measure()
        is_better = better(metrics, self.state.best_wer, self.state.best_loss)
        if is_better:
            self.state.best_wer, self.state.best_loss = metrics["wer"], metrics["loss"]
            self._save_model("model.pt", self.model.state_dict())
        verdict = "it is the model" if is_better else "the best single one stays"
        self._say(f"mean of the last {len(self.snapshots)} weights: WER {metrics['wer']:.2%}; {verdict}")
        self.model.load_state_dict(final)

    def _out_of_patience(self) -> bool:
        patience = self.options.patience
        return patience is not None and self.state.stale >= patience

    def _asked_to_stop(self) -> bool:
        return ranks.total([float(self.stop_asked)], self.world)[0] > 0

    def _save_model(self, name: str, weights: dict[str, Tensor]) -> None:
        if self.world.is_main:
            checkpoint.save(self.run / name, "model", {**self.parts, "model": weights})

    def _save_last(self) -> None:
        generators = ranks.gather(seeding.capture(), self.world)
        if self.world.is_main:
            checkpoint.save(self.run / "checkpoints" / "last.pt", "checkpoint", self.snapshot(generators))
            if self.journal is not None:
                self.journal.show()
        self._saved_at = self.state.elapsed

    def snapshot(self, generators: list[dict[str, Any]]) -> dict[str, Any]:
        """Everything a resumed run needs to be the run that was never stopped (law 2); `generators` by rank."""
        return {
            "parts": self.parts,
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "objective": self.objective.state_dict(),
            "state": self.state.plain(),
            "snapshots": list(self.snapshots),
            "generators": generators,
        }

    def restore(self, saved: dict[str, Any]) -> None:
        """Continue from what `snapshot` returned."""
        self.model.load_state_dict(saved["model"])
        self.optimizer.load_state_dict(saved["optimizer"])
        self.objective.load_state_dict(saved["objective"])
        self.state = RunState.from_plain(saved["state"])
        self.snapshots.extend(saved["snapshots"])
        seeding.restore(saved["generators"][self.world.rank])
