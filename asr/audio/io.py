"""Recordings to waveforms and back. The only file that knows libsndfile (soundfile) and FFmpeg (PyAV).

libsndfile reads what it can; FFmpeg reads the containers libsndfile does not know (mp4, aac, webm …), the few
FLAC streams it stumbles over, and MPEG audio, because libmpg123 inside libsndfile writes its complaints to
the terminal. A file is either read to its declared end or refused: half a recording beside a whole transcript
teaches a model to invent.
"""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import soundfile

from asr.audio.resample import resample, resample_blocks
from asr.errors import AudioError
from asr.files import whole

# fmt: off
SUFFIXES = frozenset((  # of what is taken for a recording in a folder, lower case
    ".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".mp4", ".m4a", ".m4b", ".aac", ".aif", ".aiff",
    ".webm", ".mkv", ".mov", ".sph", ".au", ".caf", ".w64", ".rf64", ".wma", ".amr", ".3gp", ".ac3",
))
# fmt: on
_PREROLL = 0.5  # s decoded and thrown away before an offset: overlap of MDCT codecs, bit reservoir of MP3
_SLACK = 0.15  # s a lossy file may fall short of its declared length: encoder delay and padding of 8 kHz MP3
_SUFFIXES_OF_MPEG = (".mp3", ".mp2", ".mpga", ".aac")
_EXACT_CONTAINERS = ("mov", "mp4", "matroska", "webm", "flac", "asf", "caf")  # declare the true duration
# libsndfile's log of a chunk longer than the file, as in "data : 227200 (should be 99956)"
_SHORT_CHUNK = re.compile(r"^\s*(?:data|SSND)\s*:\s*(\d+) \(should be (\d+)\)", re.MULTILINE)
_UNKNOWN_LENGTH = 0x7FFF0000  # what recorders that write to a pipe declare is at or above this


@dataclass(frozen=True)
class AudioInfo:
    """What a recording's header says: duration [s], sample_rate [Hz] and the number of channels."""

    duration: float
    sample_rate: int
    channels: int


def probe(path: Path | str) -> AudioInfo:
    """Duration, rate and channels of a recording without decoding it.

    Raises AudioError when the file is missing, not audio, cut short, or holds no samples.
    """
    path = _existing(path)
    if not _is_mpeg(path):
        try:
            with soundfile.SoundFile(path) as file:
                _refuse_cut(path, file)
                info = AudioInfo(file.frames / file.samplerate, file.samplerate, file.channels)
            return _nonempty(path, info)
        except soundfile.LibsndfileError:
            pass
    return _nonempty(path, _ffmpeg_probe(path))


def read_audio(
    path: Path | str, sample_rate: int | None = None, offset: float = 0.0, duration: float | None = None
) -> tuple[np.ndarray, int]:
    """The waveform (S,) float32, mean over channels, and its rate [Hz]: `sample_rate` or the file's own.

    `offset` and `duration` [s] pick a stretch, and only it is decoded; reading stops at the end.
    Raises AudioError: missing, not audio, damaged, cut short, no samples there, samples that are not finite.
    """
    path = _existing(path)
    samples, rate = _read(path, offset, duration)
    if not len(samples):
        where = f" at {offset:g} s" if offset else ""
        raise AudioError(f"{path}: holds no samples{where}; expected speech; drop the utterance or mend its offset")
    waveform = _mono(samples)
    if not np.isfinite(waveform).all():
        raise _not_finite(path)
    if sample_rate is not None and rate != sample_rate:
        waveform, rate = resample(waveform, rate, sample_rate), sample_rate
    return np.ascontiguousarray(waveform, dtype=np.float32), rate


def read_blocks(path: Path | str, sample_rate: int, seconds: float = 10.0) -> Iterator[np.ndarray]:
    """`read_audio` of the whole file, block by block: float32 waveforms (S,) at `sample_rate` [Hz], end to end.

    About `seconds` are decoded at once, so that a recording of any length needs little memory. Raises AudioError
    as read_audio does, when it comes to what is wrong.
    """
    path = _existing(path)
    rate, blocks = _decoded(path, seconds)
    count = 0
    for block in resample_blocks(_finite(path, blocks), rate, sample_rate):
        count += len(block)
        if len(block):
            yield block
    if not count:
        raise AudioError(f"{path}: holds no samples; expected speech; drop the utterance")


def write_wav(path: Path | str, waveform: np.ndarray, sample_rate: int) -> None:
    """Write a waveform (S,) as 16-bit PCM WAV, whole or not at all; what lies beyond [-1, 1] is clipped."""
    scaled = np.rint(np.asarray(waveform, dtype=np.float64) * 32768.0)
    pcm = np.clip(scaled, -32768, 32767).astype(np.int16)
    with whole(path) as scratch:
        soundfile.write(scratch, pcm, sample_rate, subtype="PCM_16", format="WAV")


def _mono(samples: np.ndarray) -> np.ndarray:
    """(S, C) → (S,)."""
    return samples[:, 0] if samples.shape[1] == 1 else samples.mean(axis=1)


def _finite(path: Path, blocks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    for block in blocks:
        if not np.isfinite(block).all():
            raise _not_finite(path)
        yield block


def _not_finite(path: Path) -> AudioError:
    return AudioError(f"{path}: holds samples that are not finite; expected numbers; write the file again")


def _existing(path: Path | str) -> Path:
    path = Path(path)
    if path.is_dir():
        raise AudioError(f"{path}: is a folder; expected a recording; name the files in it")
    if not path.exists():
        raise AudioError(f"{path}: no such file; expected a recording; mend the path")
    return path


def _nonempty(path: Path, info: AudioInfo) -> AudioInfo:
    if info.duration <= 0:
        raise AudioError(f"{path}: holds no samples; expected speech; drop the utterance")
    return info


def _is_mpeg(path: Path) -> bool:
    """Whether libsndfile would hand the file to libmpg123."""
    head = _head(path, 0, 3)
    frame_sync = head[0] == 0xFF and head[1] & 0xE0 == 0xE0
    return path.suffix.lower() in _SUFFIXES_OF_MPEG or head == b"ID3" or frame_sync


def _head(path: Path, start: int, count: int) -> bytes:
    try:
        with path.open("rb") as file:
            file.seek(start)
            return file.read(count).ljust(count, b"\0")
    except OSError as error:
        reason = error.strerror
        raise AudioError(f"{path}: cannot be opened ({reason}); expected a recording; check its rights") from None


def _read(path: Path, offset: float, duration: float | None) -> tuple[np.ndarray, int]:
    """(S, C) float32 and the file's rate: libsndfile, and FFmpeg for what libsndfile fails at."""
    if not _is_mpeg(path):
        try:
            return _sndfile_read(path, offset, duration)
        except soundfile.LibsndfileError:
            pass
    return _ffmpeg_read(path, offset, duration)


def _sndfile_read(path: Path, offset: float, duration: float | None) -> tuple[np.ndarray, int]:
    with soundfile.SoundFile(path) as file:
        _refuse_cut(path, file)
        start = min(round(offset * file.samplerate), file.frames)
        count = file.frames - start
        if duration is not None:
            count = min(count, round(duration * file.samplerate))
        if start:
            file.seek(start)
        samples = file.read(count, dtype="float32", always_2d=True)
        if len(samples) < count:
            raise _cut(path, (start + len(samples)) / file.samplerate, file.frames / file.samplerate)
        return samples, file.samplerate


def _decoded(path: Path, seconds: float) -> tuple[int, Iterator[np.ndarray]]:
    """The file's rate and its waveform in blocks (S,): libsndfile's, and FFmpeg's from where libsndfile fails."""
    if not _is_mpeg(path):
        try:
            file = soundfile.SoundFile(path)
        except soundfile.LibsndfileError:
            pass
        else:
            return file.samplerate, _sndfile_blocks(path, file, seconds)
    rate = _ffmpeg_probe(path).sample_rate
    return rate, _ffmpeg_blocks(path, round(seconds * rate), 0)


def _sndfile_blocks(path: Path, file: soundfile.SoundFile, seconds: float) -> Iterator[np.ndarray]:
    size, done = max(1, round(seconds * file.samplerate)), 0
    with file:
        _refuse_cut(path, file)
        while done < file.frames:
            try:
                samples = file.read(min(size, file.frames - done), dtype="float32", always_2d=True)
            except soundfile.LibsndfileError:
                break
            if not len(samples):
                raise _cut(path, done / file.samplerate, file.frames / file.samplerate)
            done += len(samples)
            yield _mono(samples)
        if done < file.frames:
            yield from _ffmpeg_blocks(path, size, done)


def _refuse_cut(path: Path, file: soundfile.SoundFile) -> None:
    """libsndfile reads a file cut short without a word, except in its log."""
    if file.format not in ("WAV", "WAVEX", "AIFF", "OGG", "NIST"):
        return
    count = re.search(rb"sample_count -i (\d+)", _head(path, 0, 1024)) if file.format == "NIST" else None
    if count is not None and file.frames < int(count[1]):
        raise _cut(path, file.frames / file.samplerate, int(count[1]) / file.samplerate)
    log = file.extra_info
    chunk = _SHORT_CHUNK.search(log)
    if chunk is not None and int(chunk[1]) < _UNKNOWN_LENGTH:
        found = file.frames / file.samplerate
        raise _cut(path, found, found * int(chunk[1]) / max(1, int(chunk[2])))
    if "lacks an end-of-stream bit" in log and "Junk after the last page" in log:
        raise _cut(path, file.frames / file.samplerate, None)


def _cut(path: Path, found: float, declared: float | None) -> AudioError:
    promise = "its end" if declared is None else f"the {declared:.2f} s its header declares"
    return AudioError(f"{path}: is cut short after {found:.2f} s; expected {promise}; fetch the file again")


def _ffmpeg() -> ModuleType:
    import av  # 40 ms and 30 MB that few runs need

    av.logging.set_level(None)  # FFmpeg's own lines; what matters comes as an exception
    return av


def _ffmpeg_probe(path: Path) -> AudioInfo:
    av = _ffmpeg()
    try:
        with av.open(str(path)) as container:
            stream = _audio_stream(path, container)
            duration = _declared(path, container, stream)
            if duration is None:
                duration = float(sum(p.duration or 0 for p in container.demux(stream)) * stream.time_base)
            return AudioInfo(duration, stream.rate, stream.channels)
    except (av.FFmpegError, ValueError, OSError) as error:
        raise _not_audio(path, error) from None


def _ffmpeg_read(path: Path, offset: float, duration: float | None) -> tuple[np.ndarray, int]:
    with _ffmpeg_opened(path) as (av, container, stream, declared):
        samples, rate = _ffmpeg_decode(av, container, stream, offset, duration)
    end = offset + duration if duration is not None else np.inf
    _refuse_short(path, container, offset + len(samples) / rate, declared, end, rate)
    return samples, rate


def _ffmpeg_blocks(path: Path, size: int, skip: int) -> Iterator[np.ndarray]:
    """The waveform from sample `skip` on, in blocks (S,) of at least `size` samples but for the last."""
    with _ffmpeg_opened(path) as (av, container, stream, declared):
        held: list[np.ndarray] = []
        count, waiting = 0, 0
        to_planes = av.AudioResampler(format="fltp")
        for frame in container.decode(stream):
            for plane in to_planes.resample(frame):
                samples = _mono(plane.to_ndarray().T)[max(0, skip - count) :]
                count += plane.samples
                waiting += len(samples)
                held.append(samples)
            if waiting >= size:
                yield np.concatenate(held)
                held, waiting = [], 0
        if waiting:
            yield np.concatenate(held)
        rate = stream.rate
    _refuse_short(path, container, count / rate, declared, np.inf, rate)


@contextmanager
def _ffmpeg_opened(path: Path) -> Iterator[tuple[ModuleType, Any, Any, float | None]]:
    """PyAV, the container, its audio stream and the duration it declares [s]; FFmpeg's errors become AudioErrors."""
    av = _ffmpeg()
    try:
        with av.open(str(path)) as container:
            stream = _audio_stream(path, container)
            declared = _declared(path, container, stream)
            if container.format.name == "flac":
                stream.codec_context.options = {"err_detect": "crccheck+explode"}
            yield av, container, stream, declared
    except (av.FFmpegError, ValueError, OSError) as error:
        raise _not_audio(path, error) from None


def _refuse_short(path: Path, container: Any, found: float, declared: float | None, end: float, rate: int) -> None:
    """Refuse a file that ends after `found` s, before both its declared end and the `end` asked for."""
    slack = 0.0 if container.format.name == "flac" else _SLACK
    if declared is not None and found < min(end, declared) - slack - 1 / rate:
        raise _cut(path, found, declared)


def _ffmpeg_decode(
    av: ModuleType, container: Any, stream: Any, offset: float, duration: float | None
) -> tuple[np.ndarray, int]:
    """Decode from shortly before `offset` until `duration` is full, then cut to the sample by the times."""
    origin = stream.start_time or 0
    rate = stream.rate
    seeks = offset > _PREROLL and container.format.name != "aac"  # bare AAC has no timestamps to trust
    if seeks:
        container.seek(origin + int((offset - _PREROLL) / stream.time_base), stream=stream)
    chunks: list[np.ndarray] = []
    count = 0
    skip = round(offset * rate)
    to_planes = av.AudioResampler(format="fltp")
    want = None if duration is None else round(duration * rate)
    for frame in container.decode(stream):
        if seeks and not chunks:
            skip = max(0, skip - round(((frame.pts or 0) - origin) * frame.time_base * rate))
        for plane in to_planes.resample(frame):
            chunks.append(plane.to_ndarray())
            count += plane.samples
        if want is not None and count >= skip + want:
            break
    if not chunks:
        return np.zeros((0, 1), dtype=np.float32), rate
    return np.concatenate(chunks, axis=1)[:, skip : None if want is None else skip + want].T, rate


def _audio_stream(path: Path, container: Any) -> Any:
    if not container.streams.audio:
        raise AudioError(f"{path}: holds no audio stream; expected a recording; name another file")
    return container.streams.audio[0]


def _declared(path: Path, container: Any, stream: Any) -> float | None:
    """The duration the header states, or None where FFmpeg could only estimate it from the bit rate."""
    names = container.format.name.split(",")
    exact = any(name in _EXACT_CONTAINERS for name in names) or ("mp3" in names and _has_frame_count(path))
    if not exact:
        return None
    if stream.duration is not None:
        return float(stream.duration * stream.time_base)
    return None if container.duration is None else container.duration / 1e6


def _has_frame_count(path: Path) -> bool:
    """Whether an MP3 file carries a Xing, Info or VBRI header behind its ID3 tag."""
    head = _head(path, 0, 10)
    start = 10 + sum((byte & 127) << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=True))
    frame = _head(path, start if head[:3] == b"ID3" else 0, 200)
    return any(mark in frame for mark in (b"Xing", b"Info", b"VBRI"))


def _not_audio(path: Path, error: Exception) -> AudioError:
    reason = getattr(error, "strerror", None) or str(error)
    if path.stat().st_size == 0:
        reason = "the file is empty"
    return AudioError(f"{path}: cannot be read as audio ({reason}); expected a whole recording; fetch it again")
