"""Corpora with one thing wrong each, for runs that go wrong in seconds."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from tones import RATE, sound, write_corpus

from asr.audio.io import write_wav
from asr.audio.resample import resample
from asr.data.manifest import read_manifest, write_manifest
from asr.types import Utterance


def healthy(folder: Path) -> None:
    """Twenty-four texts that are what is heard."""
    write_corpus(folder, train=24, dev=4)


def noise(folder: Path) -> None:
    """Transcripts beside recordings that hold none of it: white noise, all of one length."""
    write_corpus(folder, train=24, dev=4)
    for split in ("train", "dev"):
        _rewrite(folder, lambda i, wave: _noise(i, 12_000), RATE, split)


def other_voice(folder: Path) -> None:
    """Validation hears another voice, faster and higher."""
    healthy(folder)
    _rewrite(folder, lambda i, wave: resample(wave, RATE, 5_500), RATE, "dev")


def uneven(folder: Path) -> None:
    """Every other recording has ten seconds of silence at its end."""
    healthy(folder)
    _rewrite(folder, lambda i, wave: np.concatenate([wave, np.zeros(80_000 * (i % 2), np.float32)]), RATE)


def upsampled(folder: Path) -> None:
    """Recorded at 4 kHz, converted to 8 kHz: the header does not tell."""
    healthy(folder)
    _rewrite(folder, lambda i, wave: resample(resample(wave, RATE, RATE // 2), RATE // 2, RATE), RATE)


def recorded_lower(folder: Path) -> None:
    """Recorded at 4 kHz and left so."""
    healthy(folder)
    _rewrite(folder, lambda i, wave: resample(wave, RATE, RATE // 2), RATE // 2)


def _noise(seed: int, samples: int) -> np.ndarray:
    return (0.1 * np.random.default_rng(seed).standard_normal(samples)).astype(np.float32)


def _rewrite(folder: Path, change: Callable[[int, np.ndarray], np.ndarray], rate: int, split: str = "train") -> None:
    """Put what `change` makes of every recording of a split, at `rate` [Hz], in its place."""
    manifest = folder / f"{split}.jsonl"
    utterances: list[Utterance] = []
    for i, u in enumerate(read_manifest(manifest)):
        wave = change(i, sound(u.text, seed=i))
        write_wav(u.audio, wave, rate)
        utterances.append(replace(u, duration=len(wave) / rate))
    write_manifest(manifest, utterances)
