"""Synthesised speech: sentences read by many eSpeak NG voices. Knows voices and splits, not the library.

Each voice is an accent, a variant, a rate and a pitch. The test split has sentences and voices that training
never hears, and no variant of theirs; the dev split has unseen sentences by the training voices. The library
runs in processes of its own (see espeak_process), one for each voice, because its speech depends on what
it said before: so the recordings depend on the arguments and not on the number of processors.
"""

import importlib.util
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from asr.audio.io import write_wav
from asr.audio.resample import resample
from asr.corpora import commands
from asr.corpora.prepared import AUDIO, Progress, begin, fingerprint, finish, quiet
from asr.errors import ManifestError
from asr.seeding import generator
from asr.types import Utterance

ACCENTS = ("en-us", "en", "en-gb-scotland", "en-gb-x-rp", "en-029", "en-us-nyc", "en-gb-x-gbclan")
# Variants that stay intelligible: without whispering, croaking, shouting, robots and Klatt's buzz.
VARIANTS = (
    "m1", "m2", "m3", "m4", "m5", "m6", "m7", "m8", "f1", "f2", "f3", "f4", "f5",
    "Alex", "Alicia", "Andrea", "Andy", "Annie", "Denis", "Diogo", "Gene", "Henrique", "Hugo", "Jacky", "Lee",
    "Marco", "Mario", "Michael", "Mike", "Reed", "adam", "anika", "antonio", "belinda", "benjamin", "boris",
    "caleb", "david", "ed", "edward", "ian", "iven", "john", "linda", "max", "michel", "miguel", "norbert",
    "paul", "pedro", "quincy", "rob", "robert", "sandro", "shelby", "steph", "steph2", "travis", "victor",
    "zac",
)  # fmt: skip
TEST_VOICES = 8
_HELD_OUT = 200  # sentences of dev and of test
_RATES = (110, 165)  # words a minute as eSpeak NG counts them: 12 to 19 characters a second, as people speak
_PITCHES = (30, 71)  # of 0–99; the variant sets what that means in Hz
_RANGES = (35, 66)  # of 0–99, liveliness of the melody
_CHARACTERS = (20, 120)  # of a sentence of a text file: about 1.5 to 8 s


@dataclass(frozen=True, slots=True)
class Voice:
    """One synthetic speaker: accent+variant, rate [words/min], pitch and its range [0–99]."""

    name: str
    rate: int
    pitch: int
    range: int


def prepare(
    out: Path,
    *,
    source: Path | None = None,
    seed: int = 0,
    text: str | Path = "commands",
    voices: int = 40,
    hours: float = 2.5,
    sample_rate: int = 16000,
    progress: Progress = quiet,
) -> dict[str, Path]:
    """Speak `hours` of training speech by `voices` voices, and 200 sentences each for dev and test.

    `text` is `commands` (the grammar of asr.corpora.commands) or a file of sentences, one a line (`source`
    names one too); of a file, lines of 20 to 120 characters without digits are taken as they are written, and
    again by other voices once all were spoken. Raises ManifestError: the extra `synth` missing, too few
    sentences, too many voices, a text that cannot be read.
    """
    path = source if source is not None else None if text == "commands" else Path(text)
    arguments = {
        "corpus": "espeak", "text": path or "commands", "contents": _contents(path), "seed": seed,
        "voices": voices, "hours": hours, "sample_rate": sample_rate, "rates": _RATES,
    }  # fmt: skip
    done = begin(out, arguments)
    if done is not None:
        return done
    require_extra("prepare espeak")
    speakers, strangers = draw_voices(voices, seed)
    pool = _pool(path, hours, seed)
    held_out = min(_HELD_OUT, len(pool) // 5)
    test, dev, train = pool[:held_out], pool[held_out : 2 * held_out], pool[2 * held_out :]
    tasks = [_Task(out, voice, sample_rate, "test", test[i::TEST_VOICES]) for i, voice in enumerate(strangers)] + [
        _Task(out, voice, sample_rate, "dev", dev[i::voices], _share(train, i, voices), hours * 3600 / voices)
        for i, voice in enumerate(speakers)
    ]
    return finish(out, arguments, _speak_all(tasks, progress))


def draw_voices(count: int, seed: int) -> tuple[list[Voice], list[Voice]]:
    """`count` voices for training and eight for testing, whose variants no training voice has."""
    random = generator(seed, 0)
    variants = [VARIANTS[i] for i in random.permutation(len(VARIANTS))]
    strange, known = variants[:TEST_VOICES], variants[TEST_VOICES:]
    most = len(known) * len(ACCENTS)
    if not 1 <= count <= most:
        raise ManifestError(f"prepare espeak: {count} voices; expected 1 to {most}; set --voices")

    def draw(names: Sequence[str], i: int) -> Voice:
        accent = ACCENTS[(i + i // (len(names) * len(ACCENTS))) % len(ACCENTS)]
        rate, pitch, melody = (int(random.integers(*bounds)) for bounds in (_RATES, _PITCHES, _RANGES))
        return Voice(f"{accent}+{names[i % len(names)]}", rate, pitch, melody)

    tested = [draw(strange, i) for i in range(TEST_VOICES)]
    return [draw(known, i) for i in range(count)], tested


@dataclass(frozen=True, slots=True)
class _Task:
    """What one voice says: the sentences of its held-out split, then training sentences for `seconds`."""

    out: Path
    voice: Voice
    sample_rate: int
    split: str
    held_out: Sequence[str]
    train: Iterator[str] = field(default_factory=lambda: iter(()))
    seconds: float = 0.0

    def run(self) -> dict[str, list[Utterance]]:
        """Speak, write the recordings; the utterances by split."""
        command = [sys.executable, "-m", "asr.corpora.espeak_process"]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        spoken: dict[str, list[Utterance]] = {self.split: [], "train": []}
        try:
            for sentence in self.held_out:
                self._say(process, sentence, self.split, spoken[self.split])
            left = self.seconds
            while left > 0:
                left -= self._say(process, next(self.train), "train", spoken["train"])
        finally:
            process.kill()
            process.communicate()
        return spoken

    def _say(self, process: subprocess.Popen[bytes], text: str, split: str, into: list[Utterance]) -> float:
        """Speak one sentence into a file and add its utterance; the duration in seconds."""
        waveform = resample(*_ask(process, text, self.voice), self.sample_rate)
        voice = self.voice.name
        name = f"espeak-{split}-{voice.replace('+', '-')}-{len(into):04d}"
        path = self.out / AUDIO / split / f"{name}.wav"
        write_wav(path, waveform, self.sample_rate)
        duration = len(waveform) / self.sample_rate
        into.append(Utterance(name, path, duration, text, voice))
        return duration


def _ask(process: subprocess.Popen[bytes], text: str, voice: Voice) -> tuple[np.ndarray, int]:
    """Waveform (S,) and rate [Hz] of one sentence."""
    assert process.stdin is not None and process.stdout is not None
    job = {"text": text, "voice": voice.name, "rate": voice.rate, "pitch": voice.pitch, "range": voice.range}
    process.stdin.write(json.dumps(job).encode() + b"\n")
    process.stdin.flush()
    line = process.stdout.readline()
    answer: dict[str, Any] = json.loads(line) if line else {"error": "the process ended"}
    if "error" in answer or not answer["samples"]:
        raise ManifestError(
            f"prepare espeak: {voice.name} cannot say {text!r} ({answer.get('error', 'no sound')}); expected "
            "speech from espeakng-loader; in the checkout, install it again: pip install -e '.[synth]'"
        )
    speech = process.stdout.read(2 * answer["samples"])
    return np.frombuffer(speech, dtype=np.int16).astype(np.float32) / 32768, answer["sample_rate"]


def _speak_all(tasks: Sequence[_Task], progress: Progress) -> dict[str, list[Utterance]]:
    splits: dict[str, list[Utterance]] = {"train": [], "dev": [], "test": []}
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        try:
            for spoken in progress(pool.map(_Task.run, tasks), "voices", len(tasks)):
                for split, utterances in spoken.items():
                    splits[split] += utterances
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return splits


def _pool(path: Path | None, hours: float, seed: int) -> list[str]:
    """Distinct sentences in random order, as many as the corpus can need."""
    if path is None:
        count = 2 * _HELD_OUT + max(3 * _HELD_OUT, round(hours * 3600))
        return list(islice(commands.sentences(generator(seed, 1)), count))
    distinct = {re.sub(r"\W+", " ", line).strip().casefold(): line for line in _lines(path)}
    texts = sorted(distinct.values())
    if len(texts) < 20:
        raise ManifestError(
            f"{path}: {len(texts)} sentences; expected at least 20 of {_CHARACTERS[0]} to {_CHARACTERS[1]} "
            "characters without digits; write one a line"
        )
    return [texts[i] for i in generator(seed, 1).permutation(len(texts))]


def _lines(path: Path) -> Iterator[str]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ManifestError(
            f"{path}: cannot be read ({error}); expected UTF-8 sentences, one a line; mend --text"
        ) from None
    for line in map(str.strip, lines):
        if _CHARACTERS[0] <= len(line) <= _CHARACTERS[1] and not re.search(r"\d", line):
            yield line


def _share(texts: Sequence[str], first: int, step: int) -> Iterator[str]:
    """Every `step`-th text from `first` on, without end; later rounds are shifted: voices meet new texts."""
    place = first
    while True:
        yield texts[(place + place // len(texts)) % len(texts)]
        place += step


def _contents(path: Path | None) -> str:
    if path is None:
        return commands.fingerprint()
    if not path.is_file():
        raise ManifestError(f"{path}: no such file; expected 'commands' or a file of sentences; mend --text")
    return fingerprint([path])


def require_extra(verb: str) -> None:
    """Raise ManifestError, which names the verb, where the extra `synth` is not installed."""
    if importlib.util.find_spec("espeakng_loader") is None:
        raise ManifestError(
            f"{verb}: espeakng-loader (GPL-3, run as a separate process) is not installed; "
            "expected the extra 'synth'; in the checkout, run pip install -e '.[synth]'"
        )
