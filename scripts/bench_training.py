"""Training throughput on this machine: `python scripts/bench_training.py [--seconds 60] [--threads 2] [--json FILE]`.

A Deep Speech 2 of 5 M parameters learns from synthetic noise of the lengths of short commands, through the real
trainer: reading, features, SpecAugment, model, loss, step. Interleaved with it in the same run: the same recurrent
layers through torch's packed sequences, the usual way, so that the ratio holds on a noisy machine.
"""

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence

from asr.audio.io import write_wav
from asr.build import build_system, build_trainer, read_training_data
from asr.config import config_from_tree
from asr.data.manifest import write_manifest
from asr.nn.rnn import Recurrent
from asr.training.journal import Journal
from asr.types import Utterance
from asr.world import current_world

_LETTERS = "abcdefghijklmnopqrstuvwxyz '"


def corpus(folder: Path, seconds: float) -> Path:
    """A manifest of noise, 2 to 4 s an utterance, with random texts of 12 characters a second."""
    rng, utterances = np.random.default_rng(0), []
    while sum(u.duration for u in utterances) < seconds:
        samples, name = int(rng.uniform(2, 4) * 16000), f"noise-{len(utterances)}"
        write_wav(folder / f"{name}.wav", rng.standard_normal(samples).astype(np.float32) * 0.1, 16000)
        text = "x" + "".join(rng.choice(list(_LETTERS), int(samples / 16000 * 12))) + "x"
        utterances.append(Utterance(name, folder / f"{name}.wav", samples / 16000, text))
    write_manifest(folder / "noise.jsonl", utterances)
    return folder / "noise.jsonl"


def throughput(folder: Path, manifest: Path, precision: str, threads: int) -> dict[str, float]:
    """Audio seconds trained on per second, and the share of time spent waiting for data, medians over log lines."""
    tree = {
        "name": precision,
        "data": {"train": str(manifest), "dev": str(manifest), "batch_seconds": 100.0},
        "augment": {"time_masks": 2, "freq_masks": 2},
        "training": {"epochs": 1, "precision": precision, "log_every": 2, "validate_every": 5.0},
    }
    config, rows = config_from_tree(tree), []
    torch.set_num_threads(threads)
    data = read_training_data(config, print)
    system = build_system(config, data.tokenizer, torch.device("cpu"))
    journal = Journal(folder / precision)
    trainer = build_trainer(system, data, folder / precision, current_world("cpu"), journal)
    trainer.validate = lambda model: {"wer": 0.0, "cer": 0.0, "loss": 0.0}
    trainer.fit()
    journal.close()
    rows = [json.loads(line) for line in (folder / precision / "log.jsonl").read_text().splitlines()]
    steps = [row for row in rows if row["kind"] == "step"][1:]
    parameters = sum(p.numel() for p in system.model.parameters())
    return {
        "parameters": parameters,
        "audio_seconds_per_second": statistics.median(row["audio_seconds_per_second"] for row in steps),
        "data_wait": statistics.median(row["data_wait"] for row in steps),
    }


def packed_ratio(threads: int, rounds: int = 7) -> float:
    """How many times longer a bidirectional LSTM layer takes through packed sequences, forward and backward."""
    torch.set_num_threads(threads)
    ours, packed = Recurrent("lstm", 512, 256, True), nn.LSTM(512, 256, batch_first=True, bidirectional=True)
    x, lengths = torch.randn(32, 100, 512), torch.linspace(100, 90, 32).long()
    times: dict[str, list[float]] = {"ours": [], "packed": []}
    for _ in range(rounds):
        for name in times:
            started = time.perf_counter()
            leaf = x.clone().requires_grad_()
            if name == "ours":
                ours(leaf, lengths).sum().backward()
            else:
                packed(pack_padded_sequence(leaf, lengths, batch_first=True))[0].data.sum().backward()
            times[name].append(time.perf_counter() - started)
    return statistics.median(times["packed"]) / statistics.median(times["ours"])


def main() -> None:
    """Measure, print, and write JSON where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=2000.0, help="of audio in the corpus")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        manifest = corpus(folder, arguments.seconds)
        rows = {p: throughput(folder, manifest, p, arguments.threads) for p in ("fp32", "auto")}
    result = {**rows, "packed_to_ours": packed_ratio(arguments.threads), "threads": arguments.threads}
    for precision, row in rows.items():
        print(
            f"{precision}: {row['parameters'] / 1e6:.1f} M parameters, "
            f"{row['audio_seconds_per_second']:.0f} audio-s/s, "
            f"data wait {row['data_wait']:.1%}"
        )
    print(f"a packed bidirectional LSTM layer takes {result['packed_to_ours']:.2f} times as long as ours")
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
