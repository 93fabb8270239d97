"""The CTC loss against others, forward and backward: `python scripts/bench_ctc.py [--threads 1] [--json FILE]`.

Five shapes, medians of interleaved rounds in one process; torch is log_softmax + its ctc_loss; optax and TensorFlow
take part where they are installed. Errors are against float64; extra memory is what one call adds to the peak of a
process of its own that has the input already (Linux), the returned gradient included.
"""

import argparse
import importlib.util
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from asr.ctc import ctc_loss

SHAPES = [(200, 16, 29, 60), (800, 16, 29, 200), (400, 32, 128, 100), (400, 16, 1024, 60), (250, 8, 5000, 40)]
Problem = tuple[Tensor, Tensor, Tensor, Tensor]  # logits (B, T, V), targets (B, S), input_lengths, target_lengths


def problem(shape: tuple[int, int, int, int], dtype: torch.dtype = torch.float32) -> Problem:
    """Random logits and targets, every length the full one."""
    frames, batch, vocabulary, labels = shape
    random = torch.Generator().manual_seed(0)
    logits = torch.randn(batch, frames, vocabulary, generator=random).to(dtype).requires_grad_()
    targets = torch.randint(1, vocabulary, (batch, labels), generator=random)
    return logits, targets, torch.full((batch,), frames), torch.full((batch,), labels)


def ours(p: Problem) -> tuple[Tensor, Tensor]:
    """Losses (B,) and the gradient of their sum."""
    loss = ctc_loss(*p)
    return loss.detach(), torch.autograd.grad(loss.sum(), p[0])[0]


def torch_way(p: Problem) -> tuple[Tensor, Tensor]:
    """The same by torch."""
    logits, *rest = p
    loss = F.ctc_loss(logits.log_softmax(-1).transpose(0, 1), *rest, reduction="none")
    return loss.detach(), torch.autograd.grad(loss.sum(), logits)[0]


def optax_way(p: Problem) -> Callable[[], Any]:
    """A compiled call of optax's loss and its gradient."""
    import jax
    import optax

    logits, targets = jax.numpy.asarray(p[0].detach().numpy()), jax.numpy.asarray(p[1].numpy())
    a, b = jax.numpy.zeros(logits.shape[:2]), jax.numpy.zeros(targets.shape)
    call = jax.jit(jax.value_and_grad(lambda x: optax.ctc_loss(x, a, targets, b).sum()))
    return lambda: jax.block_until_ready(call(logits))


def tensorflow_way(p: Problem) -> Callable[[], Any]:
    """A call of TensorFlow's loss and its gradient."""
    import tensorflow as tf

    logits, targets, frames, lengths = (tf.constant(x.detach().numpy()) for x in p)

    @tf.function
    def call() -> Any:
        with tf.GradientTape() as tape:
            tape.watch(logits)
            loss = tf.nn.ctc_loss(targets, logits, lengths, frames, logits_time_major=False, blank_index=0)
        return tape.gradient(tf.reduce_sum(loss), logits)

    return call


def compare(shape: tuple[int, int, int, int], threads: int, rounds: int, dtype: torch.dtype) -> dict[str, Any]:
    """One row of the table."""
    p = problem(shape, dtype)
    wide = (p[0].detach().float().requires_grad_(), *p[1:])
    calls: dict[str, Callable[[], Any]] = {"": lambda: ours(p), "torch_": lambda: torch_way(wide)}
    if importlib.util.find_spec("optax"):
        calls["optax_"] = optax_way(wide)
    if importlib.util.find_spec("tensorflow"):
        calls["tensorflow_"] = tensorflow_way(wide)
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds + 1):
        for name, call in calls.items():
            started = time.perf_counter()
            call()
            times[name].append(1000 * (time.perf_counter() - started))
    medians = {f"{name}ms": round(statistics.median(t[1:]), 3) for name, t in times.items()}
    exact = (p[0].detach().double().requires_grad_(), *p[1:])
    (loss, gradient), (torch_loss, torch_gradient), (nll, reference) = ours(p), torch_way(wide), torch_way(exact)
    return {
        "shape": list(shape), "threads": threads, "dtype": str(dtype).removeprefix("torch."), **medians,
        "ratio": round(medians["torch_ms"] / medians["ms"], 2),
        "extra_mb": extra("ours", shape, threads, dtype), "torch_extra_mb": extra("torch", shape, threads, dtype),
        "gradient_mb": round(gradient.numel() * gradient.element_size() / 2**20, 1),
        "nll_error": float(((loss - nll).abs() / nll).max()),
        "torch_nll_error": float(((torch_loss - nll).abs() / nll).max()),
        "grad_error": float((gradient - reference).abs().max()),
        "torch_grad_error": float((torch_gradient - reference).abs().max()),
    }  # fmt: skip


def extra(who: str, shape: tuple[int, int, int, int], threads: int, dtype: torch.dtype) -> float | None:
    """MB that one call adds to the peak of a process, or None where the system does not tell."""
    if not Path("/proc/self/clear_refs").exists():
        return None
    options = ["--threads", str(threads), "--dtype", str(dtype).removeprefix("torch."), "--peak", who]
    arguments = [sys.executable, __file__, *options, *map(str, shape)]
    return float(subprocess.run(arguments, check=True, capture_output=True, text=True).stdout.split()[-1])


def peak(who: str, shape: tuple[int, int, int, int], dtype: torch.dtype) -> float:
    """What one call in this process adds to its peak memory [MB]; a small call before it loads what is needed."""

    def memory(key: str) -> int:
        return next(int(r.split()[1]) for r in Path("/proc/self/status").read_text().splitlines() if r.startswith(key))

    call = ours if who == "ours" else lambda p: torch_way((p[0].float(), *p[1:]))
    call(problem((20, 4, 8, 5), dtype))
    p = problem(shape, dtype)
    Path("/proc/self/clear_refs").write_text("5")  # the peak is counted from here
    before = memory("VmRSS")
    call(p)
    return (memory("VmHWM") - before) / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--dtype", choices=["float32", "bfloat16", "float16"], default="float32", help="of our logits")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--peak", nargs=5, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    if arguments.peak:
        print(f"{peak(arguments.peak[0], tuple(map(int, arguments.peak[1:])), getattr(torch, arguments.dtype)):.1f}")
        return
    rows = []
    print("       T, B, V, S  |    ms   torch  ratio | extra MB  gradient  torch | loss, gradient error   torch's")
    for shape in SHAPES:
        row = compare(shape, arguments.threads, arguments.rounds, getattr(torch, arguments.dtype))
        rows.append(row)
        print(
            f"{', '.join(map(str, shape)):>17}  | {row['ms']:6.2f} {row['torch_ms']:7.1f} {row['ratio']:5.1f}x |"
            f" {row['extra_mb']} {row['gradient_mb']:9} {row['torch_extra_mb']} |"
            f" {row['nll_error']:.0e} {row['grad_error']:.0e}  "
            f" {row['torch_nll_error']:.0e} {row['torch_grad_error']:.0e}",
            flush=True,
        )
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
