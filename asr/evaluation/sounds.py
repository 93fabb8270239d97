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

from asr.audio.io import probe, read_audio
from asr.audio.measure import signal_to_noise
from asr.errors import AudioError

_MEASURED = 4.0  # s of each recording, from its start, that the noise is measured in
_RECORDINGS = 400  # that are measured, at most: Opus decodes at some 300 × real time, and the page should not wait
_FRAME = 0.025  # s
_CLIP = 1_000_000  # bytes of the largest clip that is embedded, 30 s of 16 kHz
_RATE = 16000  # Hz of clips made from a stretch
_SPARE = 0.2  # s a file may be longer than the sound; as much as MP3 declares too much
_TYPES = {".wav": "wav", ".flac": "flac", ".mp3": "mpeg", ".ogg": "ogg", ".opus": "ogg", ".m4a": "mp4", ".webm": "webm"}


@dataclass(frozen=True, slots=True)
class Sound:
    """Where an utterance is heard: a file, and `duration` s from `offset` s on in it."""

    audio: Path
    duration: float
    offset: float = 0.0


def noise_ratios(sounds: Sequence[Sound], workers: int = 2) -> list[float | None]:
    """An estimate of each one's signal-to-noise ratio [dB], None where it cannot be read or is not measured.

    As asr.audio.measure.signal_to_noise has it. Read are the first four seconds, of 400 at most, spread evenly.
    """
    chosen = range(0, len(sounds), -(-len(sounds) // _RECORDINGS) or 1)
    ratios: list[float | None] = [None] * len(sounds)
    with ThreadPoolExecutor(workers) as pool:  # decoding holds no lock
        for i, ratio in zip(chosen, pool.map(_noise_ratio, [sounds[i] for i in chosen]), strict=True):
            ratios[i] = ratio
    return ratios


def clips(sounds: Iterable[tuple[str, Sound]], out: Path, room: int) -> dict[str, str]:
    """An address to play each sound from, by id: data: in the order given while `room` characters last, else links.

    Links are relative to the folder `out` and name the stretch of the file. What will not fit is not decoded.
    """
    addresses = {}
    for name, sound in sounds:
        embedded = _embedded(sound, room)
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
    powers = waveform[: count * length].reshape(count, length).var(1)
    return signal_to_noise(powers) if powers.any() else None


def _embedded(sound: Sound, room: int) -> str | None:
    """The sound as a data: address, None where it is longer than `room` characters or cannot be read."""
    pcm = sound.duration * _RATE * 2  # bytes
    try:
        if _encoded(min(pcm, sound.audio.stat().st_size)) > room:
            return None
        if _file_serves(sound, pcm):
            return _data(_TYPES[sound.audio.suffix.lower()], sound.audio.read_bytes())
        return _data("wav", _wav(sound)) if pcm <= _CLIP and _encoded(pcm) <= room else None
    except (AudioError, OSError):
        return None


def _encoded(size: float) -> float:
    """How many characters of base64 hold `size` bytes."""
    return size * 4 / 3


def _file_serves(sound: Sound, pcm: float) -> bool:
    """Whether the file is the sound and nothing else, and hardly larger than it would be as PCM."""
    if sound.offset or sound.audio.suffix.lower() not in _TYPES or sound.audio.stat().st_size > min(_CLIP, 1.25 * pcm):
        return False
    return probe(sound.audio).duration <= sound.duration + _SPARE


def _wav(sound: Sound) -> bytes:
    waveform, rate = read_audio(sound.audio, _RATE, sound.offset, sound.duration)
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
    return f"{quote(path)}#t={sound.offset:.3f},{sound.offset + sound.duration:.3f}"
