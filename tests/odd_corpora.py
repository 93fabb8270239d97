"""Corpora with one thing wrong each, for runs that go wrong in seconds."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from tones import RATE, WORDS, sound, write_corpus

from asr.audio.io import write_wav
from asr.audio.resample import resample
from asr.data.manifest import read_manifest, write_manifest
from asr.types import Utterance


def healthy(folder: Path) -> None:
    """Twenty-four texts that are what is heard."""
    write_corpus(folder, train=24, dev=4)


def slowing(slow: float, train: int = 100, dev: int = 10) -> Callable[[Path], None]:
    """One to eight words each, the more of them the slower: frames a label rise with the length of an utterance."""

    def write(folder: Path) -> None:
        for split, count in (("train", train), ("dev", dev)):
            rng = np.random.default_rng(len(split))
            utterances: list[Utterance] = []
            for i in range(count):
                words = rng.choice(WORDS, int(rng.integers(1, 9)))
                text = " ".join(words)
                quiet = int(RATE * slow * len(words) * (len(words) - 1) / 7)
                spoken = sound(text, seed=i + 1000 * (split == "dev"))
                wave = np.concatenate([spoken, 0.003 * rng.standard_normal(quiet)]).astype(np.float32)
                path = folder / "audio" / f"{split}-{i}.wav"
                write_wav(path, wave, RATE)
                utterances.append(Utterance(f"{split}-{i}", path, len(wave) / RATE, text))
            write_manifest(folder / f"{split}.jsonl", utterances)

    return write


def noise(folder: Path) -> None:
    """Transcripts beside recordings that hold none of it: white noise, all of one length."""
    write_corpus(folder, train=24, dev=4)
    for split in ("train", "dev"):
        _rewrite(folder, lambda i, wave: _noise(i, 12_000), RATE, split)


def long_noise(folder: Path) -> None:
    """The same, five seconds each: so many frames a label that silence is the best a deaf model can say."""
    write_corpus(folder, train=24, dev=4)
    for split in ("train", "dev"):
        _rewrite(folder, lambda i, wave: _noise(i, 40_000), RATE, split)


def mixed_rates(folder: Path) -> None:
    """Of 24 recordings 11 at 8 kHz, the most common rate, 8 at 4 kHz and 5 at 5 kHz."""
    healthy(folder)
    rates = [RATE] * 11 + [4000] * 8 + [5000] * 5
    for i, u in enumerate(read_manifest(folder / "train.jsonl")):
        write_wav(u.audio, resample(sound(u.text, seed=i), RATE, rates[i]), rates[i])


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
