"""Recordings of any length to transcripts, in the order given: short ones in batches, long ones window by window."""

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from asr.audio.io import probe
from asr.errors import AudioError, ConfigError
from asr.inference.long import SHORTEST_CHUNK, transcribe_long
from asr.inference.recogniser import Recogniser
from asr.inference.sources import names
from asr.inference.stream import Stretch
from asr.types import Transcript

_READERS = 2  # threads


@dataclass(frozen=True, slots=True)
class Pace:
    """How much is heard at once [s]: a recording longer than a `chunk` in chunks, a batch of padded `batch` seconds."""

    chunk: float = 30.0
    batch: float = 120.0

    def __post_init__(self) -> None:
        if not self.chunk >= SHORTEST_CHUNK:
            raise ConfigError(f"chunk seconds: are {self.chunk:g}; expected >= {SHORTEST_CHUNK:g}; raise them")
        if not self.batch > 0:
            raise ConfigError(f"batch seconds: are {self.batch:g}; expected > 0; raise them")


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording to transcribe: its name, where it lies, and its duration [s]."""

    name: str
    path: Path
    duration: float


OnError = Callable[[AudioError], None]


def recordings_of(paths: Sequence[Path], on_error: OnError) -> list[Recording]:
    """The recordings at `paths`, named by `sources.names`; one whose header cannot be read goes to `on_error`."""
    found = []
    for name, path in zip(names(paths), paths, strict=True):
        try:
            found.append(Recording(name, path, probe(path).duration))
        except AudioError as error:
            on_error(error)
    return found


def transcribe(
    recogniser: Recogniser,
    recordings: Iterable[Recording],
    on_error: OnError,
    pace: Pace,
    progress: Callable[[float], None] = lambda seconds: None,
) -> Iterator[Transcript]:
    """A transcript for each recording, in order; one that cannot be read goes to `on_error` and yields nothing.

    `progress` is told how many seconds of all of them are done.
    """
    done = 0.0
    for is_long, group in itertools.groupby(recordings, lambda recording: recording.duration > pace.chunk):
        several = list(group)
        of_group = _one_by_one if is_long else _in_batches
        yield from of_group(recogniser, several, on_error, pace, partial(_further, progress, done))
        done += sum(recording.duration for recording in several)
        progress(done)


def _further(progress: Callable[[float], None], done: float, seconds: float) -> None:
    progress(done + seconds)


def _in_batches(
    recogniser: Recogniser,
    recordings: Sequence[Recording],
    on_error: OnError,
    pace: Pace,
    progress: Callable[[float], None],
) -> Iterator[Transcript]:
    done = 0.0
    stretches = [Stretch(recording.name, recording.path) for recording in recordings]
    for transcript in recogniser.transcribe_stretches(
        stretches, pace.batch, _READERS, lambda stretch, error: on_error(error)
    ):
        yield transcript
        done += transcript.duration
        progress(done)


def _one_by_one(
    recogniser: Recogniser,
    recordings: Sequence[Recording],
    on_error: OnError,
    pace: Pace,
    progress: Callable[[float], None],
) -> Iterator[Transcript]:
    done = 0.0
    for recording in recordings:
        advance = partial(_further, progress, done)
        try:
            yield transcribe_long(recogniser, recording.name, recording.path, pace.chunk, pace.batch, advance)
        except AudioError as error:
            on_error(error)
        done += recording.duration
