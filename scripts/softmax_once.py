"""Why the softmax goes in once: `python scripts/softmax_once.py [--out docs/softmax_once.png]`. Ten seconds, one core.

The same small network learns the same made-up speech (V = 29 symbols) three times from the same start: from its logits,
from the logarithm of their softmax, and from the softmax given as if it were logits. Draws loss and token error rate.
"""

import argparse
import math
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from matplotlib.figure import Figure
from torch import Tensor, nn

from asr.ctc.loss import ctc_loss, ctc_loss_from_log_probs, log_probs
from asr.ctc.torch_kernel import torch_ctc_loss
from asr.decoding.greedy import GreedyDecoder
from asr.evaluation.errors import ErrorCounts, word_errors

V, BATCH, LABELS, FRAMES_A_LABEL, WIDTH, BATCHES = 29, 32, 10, 3, 16, 16
T = LABELS * FRAMES_A_LABEL
FRAMES, LENGTHS = torch.full((BATCH,), T), torch.full((BATCH,), LABELS)
FLOOR = math.log(1 + (V - 1) / math.e)  # of one alignment, where no probability can exceed e/(e + V - 1)
STYLES = {
    "logits → ctc_loss": "C0-",
    "log(softmax) → ctc_loss_from_log_probs": "C1--",
    "softmax as if logits": "C3-",
}
Door = Callable[[Tensor, Tensor], Tensor]


def once(logits: Tensor, targets: Tensor) -> Tensor:
    """As it should be."""
    return ctc_loss(logits, targets, FRAMES, LENGTHS)


def harmlessly_twice(logits: Tensor, targets: Tensor) -> Tensor:
    """A log-softmax of a log-softmax is the same log-softmax."""
    return ctc_loss_from_log_probs(logits.softmax(-1).log(), targets, FRAMES, LENGTHS)


def twice(logits: Tensor, targets: Tensor) -> Tensor:
    """The mistake: past the guard of ctc_loss, straight into the kernel."""
    return torch_ctc_loss(logits.softmax(-1), targets, FRAMES, LENGTHS)


def speech(seed: int) -> tuple[Tensor, Tensor]:
    """Features (B, T, F), each label's own vector with noise for three frames, and targets (B, L)."""
    codes = torch.randn(V, WIDTH, generator=torch.Generator().manual_seed(0))
    draw = torch.Generator().manual_seed(seed)
    targets = torch.randint(1, V, (BATCH, LABELS), generator=draw)
    clean = codes[targets.repeat_interleave(FRAMES_A_LABEL, dim=1)]
    return clean + 0.5 * torch.randn(clean.shape, generator=draw), targets


def learn(door: Door, steps: int) -> tuple[list[float], list[float]]:
    """Loss in nats a frame after each step, and the token error rate in percent on a batch never seen."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv1d(WIDTH, 64, 5, padding=2), nn.ReLU(), nn.Conv1d(64, V, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    train, (unseen, truth) = [speech(1 + i) for i in range(BATCHES)], speech(1 + BATCHES)
    losses, errors = [], []
    for step in range(steps):
        features, targets = train[step % BATCHES]
        loss = door(model(features.mT).mT, targets).mean() / T
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
        errors.append(token_error_rate(model(unseen.mT).mT, truth))
    return losses, errors


def token_error_rate(logits: Tensor, targets: Tensor) -> float:
    """Errors of the best path in percent of the targets' tokens, each counted as a word."""
    found = [best[0].tokens for best in GreedyDecoder()(log_probs(logits), FRAMES)]
    pairs = zip(targets.tolist(), found, strict=True)
    return 100 * sum((word_errors(words(truth), words(said)) for truth, said in pairs), ErrorCounts()).rate


def words(tokens: Sequence[int]) -> str:
    """Tokens as words of a text."""
    return " ".join(map(str, tokens))


def perfect() -> float:
    """What the mistaken loss charges for the right answer given with certainty, nats a frame."""
    _, targets = speech(1)
    certain = 100.0 * nn.functional.one_hot(targets.repeat_interleave(FRAMES_A_LABEL, dim=1), V)
    return float(twice(certain, targets).mean() / T)


def draw(curves: dict[str, tuple[list[float], list[float]]], out: Path) -> None:
    """Loss on the left, error rate on the right."""
    figure = Figure(figsize=(10, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    for name, (losses, errors) in curves.items():
        left.plot(losses, STYLES[name], label=name)
        right.plot(errors, STYLES[name], label=name)
    left.axhline(FLOOR, color="black", linewidth=0.8, linestyle=":", label=f"one alignment, at least {FLOOR:.2f}")
    left.axhline(perfect(), color="C3", linewidth=0.8, linestyle=":", label=f"the right answer, {perfect():.2f}")
    left.set(title="loss", xlabel="step", ylabel="nats a frame", ylim=(0, None))
    right.set(title="token error rate, unseen utterances", xlabel="step", ylabel="%", ylim=(0, 105))
    left.legend(fontsize=8)
    for axes in (left, right):
        axes.grid(alpha=0.3)
    figure.savefig(out, dpi=110)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("docs/softmax_once.png"))
    parser.add_argument("--steps", type=int, default=300)
    options = parser.parse_args()
    torch.set_num_threads(1)
    doors = (once, harmlessly_twice, twice)
    curves = {name: learn(door, options.steps) for name, door in zip(STYLES, doors, strict=True)}
    draw(curves, options.out)
    for name, (losses, errors) in curves.items():
        print(f"{name:40}  {losses[-1]:6.3f} nats a frame  {errors[-1]:5.1f} % token errors")
