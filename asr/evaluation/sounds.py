"""The recordings behind a report: how noisy they are, and clips to play without a server."""

import base64
import io
import os
import wave
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import numpy as np

from asr.audio.io import read_audio
from asr.errors import AudioError

_MEASURED = 4.0  # s of each recording, from its start, that the noise is measured in
_RECORDINGS = 400  # that are measured, at most: Opus decodes at some 300 × real time, and the page should not wait
_FRAME = 0.025  # s
_CLIP = 1_000_000  # bytes of the largest clip that is embedded, 30 s of 16 kHz
_TYPES = {".wav": "wav", ".flac": "flac", ".mp3": "mpeg", ".ogg": "ogg", ".opus": "ogg", ".m4a": "mp4", ".webm": "webm"}


@dataclass(frozen=True, slots=True)
class Sound:
    """Where an utterance is heard: a file, and `duration` s from `offset` s on in it."""

    audio: Path
    duration: float
    offset: float = 0.0


def noise_ratios(sounds: Sequence[Sound], workers: int = 2) -> list[float | None]:
    """An estimate of each one's signal-to-noise ratio [dB], None where it cannot be read or is not measured.

    The level that 95 % of its frames stay below over the level of the quietest 10 %: near the truth where there are
    pauses and the noise is steady. Read are the first four seconds, of 400 at most, spread evenly over all.
    """
    chosen = range(0, len(sounds), -(-len(sounds) // _RECORDINGS) or 1)
    ratios: list[float | None] = [None] * len(sounds)
    with ThreadPoolExecutor(workers) as pool:  # decoding holds no lock
        for i, ratio in zip(chosen, pool.map(_noise_ratio, [sounds[i] for i in chosen]), strict=True):
            ratios[i] = ratio
    return ratios


def clips(sounds: Iterable[tuple[str, Sound]], out: Path, room: int) -> dict[str, str]:
    """An address to play each sound from, by id: data: in the order given until `room` bytes are full, then links.

    Links are relative to the folder `out` and name the stretch of the file.
    """
    addresses = {}
    for name, sound in sounds:
        embedded = _embedded(sound) if room > 0 else None
        if embedded is not None and len(embedded) <= room:
            room -= len(embedded)
            addresses[name] = embedded
        else:
            addresses[name] = _link(sound, out)
    return addresses


def _noise_ratio(sound: Sound) -> float | None:
    try:
        waveform, rate = read_audio(sound.audio, None, sound.offset, min(sound.duration, _MEASURED))
    except AudioError:
        return None
    length = max(1, round(rate * _FRAME))
    count = len(waveform) // length
    if count < 10:
        return None
    energies = np.square(waveform[: count * length].reshape(count, length)).mean(1)
    quiet, loud = np.quantile(energies, [0.1, 0.95])
    return None if loud <= 0 else float(min(90.0, 10 * np.log10(loud / max(quiet, 1e-10))))


def _embedded(sound: Sound) -> str | None:
    kind = _TYPES.get(sound.audio.suffix.lower())
    try:
        if kind is not None and not sound.offset and sound.audio.stat().st_size <= min(_CLIP, 40_000 * sound.duration):
            return _data(kind, sound.audio.read_bytes())  # no more than the stretch itself, as its size says
        return _data("wav", _wav(sound)) if sound.duration * 32_000 <= _CLIP else None
    except (AudioError, OSError):
        return None


def _wav(sound: Sound) -> bytes:
    waveform, rate = read_audio(sound.audio, 16000, sound.offset, sound.duration)
    pcm = np.clip(np.rint(waveform * 32768.0), -32768, 32767).astype("<i2")
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(pcm.tobytes())
    return file.getvalue()


def _data(kind: str, content: bytes) -> str:
    return f"data:audio/{kind};base64,{base64.b64encode(content).decode()}"


def _link(sound: Sound, out: Path) -> str:
    path = Path(os.path.relpath(sound.audio, out)).as_posix()
    end = f"{sound.offset + sound.duration:.3f}"
    return quote(path) + (f"#t={sound.offset:.3f},{end}" if sound.offset else "")
