"""Transcripts as files and lines. A new format is one function and one line of the table."""

import json
from collections.abc import Callable
from pathlib import Path

from asr.errors import ConfigError
from asr.files import write_text
from asr.types import Transcript


def _txt(transcript: Transcript) -> str:
    return transcript.text + "\n"


def _json(transcript: Transcript) -> str:
    """One line; times in seconds, scores the mean log probability (nats) of a word's frames."""
    words = [
        {
            "word": word.text,
            "start": round(word.start, 3),
            "end": round(word.end, 3),
            "score": round(word.score, 4),
        }
        for word in transcript.words
    ]
    row = {
        "id": transcript.id,
        "duration": round(transcript.duration, 3),
        "text": transcript.text,
        "words": words,
    }
    return json.dumps(row, ensure_ascii=False) + "\n"


FORMATS: dict[str, Callable[[Transcript], str]] = {"txt": _txt, "json": _json}


def render(transcript: Transcript, format: str = "txt") -> str:
    """The whole of one recording's file in `format`. Raises ConfigError for an unknown format."""
    if format not in FORMATS:
        raise ConfigError(f"format {format!r}: is unknown; expected one of {', '.join(FORMATS)}; choose one")
    return FORMATS[format](transcript)


def line(transcript: Transcript, format: str = "txt") -> str:
    """One recording as a line of a list, without its newline: `name<TAB>text`, or its JSON object."""
    if format == "txt":
        return f"{transcript.id}\t{transcript.text}"
    return render(transcript, format).rstrip("\n")


def write_transcript(folder: Path, transcript: Transcript, format: str = "txt") -> Path:
    """Write `folder/<name>.<format>`, whole or not at all, and return its path."""
    path = folder / f"{transcript.id}.{format}"
    write_text(path, render(transcript, format))
    return path
