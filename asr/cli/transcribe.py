"""The transcribe verb: recordings of any length and format, written down for people and for tools."""

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from asr.cli.parts import recogniser_of
from asr.cli.terminal import bar, say
from asr.cli.tune import DecodingFile
from asr.errors import AsrError, ConfigError

if TYPE_CHECKING:
    from asr.build import System
    from asr.inference.transcription import Pace, Recording


def transcribe(
    run: Annotated[Path, typer.Argument(help="a run folder or a model.pt")],
    paths: Annotated[list[str], typer.Argument(help="recordings, folders or globs, of any format, rate and length")],
    format: Annotated[
        str,
        typer.Option(help="txt; json: words, times, confidence; srt, vtt: subtitles; ctm, textgrid: times for tools"),
    ] = "txt",
    out: Annotated[
        Path | None, typer.Option(help="folder for one file a recording; without it, lines on the terminal")
    ] = None,
    nbest: Annotated[int | None, typer.Option(min=1, help="json: how many texts to give, likeliest first")] = None,
    chunk_seconds: Annotated[float, typer.Option(help="a longer recording is heard in chunks of this")] = 30.0,
    batch_seconds: Annotated[float, typer.Option(help="of audio that are heard at once; more needs memory")] = 120.0,
    set: Annotated[
        list[str] | None, typer.Option(metavar="key=value", help="a decoding option to change; repeat for more")
    ] = None,
    decoding: DecodingFile = None,
) -> None:
    """Write down what was said in recordings."""
    from asr.build import load_system
    from asr.inference.sources import expand
    from asr.inference.transcription import Pace
    from asr.world import current_world

    pace = Pace(chunk_seconds, batch_seconds)
    recordings = expand(paths)
    _refuse_nonsense(format, out is None, len(recordings), nbest)
    overrides = [*(set or []), *([f"decoding.nbest={nbest}"] if nbest is not None else [])]
    failed = _transcribe(load_system(run, current_world().device, overrides, decoding), recordings, format, out, pace)
    for error in failed:
        print(f"error: {error}", file=sys.stderr)
    if failed:
        raise SystemExit(2)


def _refuse_nonsense(format: str, on_terminal: bool, recordings: int, nbest: int | None) -> None:
    from asr.inference.writers import FORMATS

    if format not in FORMATS:
        raise ConfigError(f"--format {format}: is unknown; expected one of {', '.join(FORMATS)}; choose one")
    if on_terminal and recordings > 1 and FORMATS[format].line is None:
        raise ConfigError(
            f"--format {format}: is a file a recording, and there are {recordings}; expected --out; name a folder"
        )
    if nbest is not None and nbest > 1 and format != "json":
        raise ConfigError(f"--nbest {nbest}: {format} holds one text; expected --format json; say so, or drop it")


def _transcribe(
    system: "System", paths: list[Path], format: str, out: Path | None, pace: "Pace"
) -> list[AsrError]:
    """Write or print every transcript; → what could not be read."""
    from asr.inference.transcription import recordings_of, transcribe
    from asr.inference.writers import line, write_transcript

    recogniser = recogniser_of(system)
    failed: list[AsrError] = []
    recordings = recordings_of(paths, failed.append)
    started, seconds = time.perf_counter(), 0.0
    with bar("transcribing", _total(recordings)) as advance:
        for transcript in transcribe(recogniser, recordings, failed.append, pace, advance):
            seconds += transcript.duration
            said = str(write_transcript(out, transcript, format)) if out else line(transcript, format)
            if said or format == "txt":
                say(said)
    took = time.perf_counter() - started
    print(f"{seconds:.1f} s of audio in {took:.1f} s, {seconds / took:.0f} × real time", file=sys.stderr)
    return failed


def _total(recordings: "list[Recording]") -> float:
    return sum(recording.duration for recording in recordings)
