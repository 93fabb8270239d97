"""A corpus a tiny model learns in seconds: a letter is a tone, a word a run of them. Also tiny configurations."""

import itertools
from pathlib import Path
from typing import Any

import numpy as np

from asr.audio.io import write_wav
from asr.data.manifest import write_manifest
from asr.types import Utterance

RATE = 8000  # Hz
_TONES = {"a": 500.0, "b": 1100.0, "c": 1900.0, "d": 2900.0}  # Hz
WORDS = ("ab", "cd", "da", "bc")


def texts(count: int) -> list[str]:
    """`count` distinct texts of one to three words."""
    every = itertools.chain.from_iterable(itertools.product(WORDS, repeat=n) for n in (1, 2, 3))
    return [" ".join(words) for words in itertools.islice(every, count)]


def sound(text: str, seed: int = 0) -> np.ndarray:
    """The waveform (S,) of `text`: 120 ms a letter, a little silence between letters, more between words."""
    rng = np.random.default_rng((seed, len(text)))
    parts = [np.zeros(400)]
    for letter in text:
        if letter == " ":
            parts.append(np.zeros(800))
            continue
        time = np.arange(rng.integers(800, 1100)) / RATE
        parts += [0.3 * np.sin(2 * np.pi * _TONES[letter] * time), np.zeros(160)]
    wave = np.concatenate([*parts, np.zeros(400)])
    return (wave + 0.003 * rng.standard_normal(len(wave))).astype(np.float32)


def write_corpus(folder: Path, train: int = 12, dev: int = 4, **fields: Any) -> list[Utterance]:
    """`folder/{train,dev}.jsonl` and their recordings; → the training utterances."""
    splits = {}
    for split, said in (("train", texts(train)), ("dev", texts(dev))):
        utterances = []
        for i, text in enumerate(said):
            path, wave = folder / "audio" / f"{split}-{i}.wav", sound(text, seed=i + 100 * (split == "dev"))
            write_wav(path, wave, RATE)
            utterances.append(Utterance(f"{split}-{i}", path, len(wave) / RATE, text, **fields))
        write_manifest(folder / f"{split}.jsonl", utterances)
        splits[split] = utterances
    return splits["train"]


def tiny_tree(folder: Path, **training: Any) -> dict[str, Any]:
    """The configuration of a tiny model for that corpus, as plain data; `training` changes its training options."""
    return {
        "name": "tiny",
        "threads": 1,
        "device": "cpu",
        "data": {
            "train": str(folder / "train.jsonl"), "dev": str(folder / "dev.jsonl"), "batch_seconds": 3.0, "workers": 0,
        },
        "features": {"sample_rate": RATE, "win_length": 200, "hop_length": 80, "n_fft": 256, "n_mels": 24},
        "model": {
            "hidden_size": 24, "layers": 1, "conv_layers": 1, "conv_channels": 4, "conv_time_kernel": 5,
            "conv_frequency_kernel": 5, "subsampling": 3,
        },
        "training": {"epochs": 2, "lr": 0.01, "log_every": 1} | training,
    }  # fmt: skip
