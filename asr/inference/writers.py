"""Transcripts and alignments as files and lines. A new format is one function and one line of a table."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from asr.errors import ConfigError
from asr.files import write_text
from asr.inference.marks import ctm, sureness, textgrid
from asr.inference.subtitles import srt, vtt
from asr.types import Alternative, Span, Transcript

if TYPE_CHECKING:  # the aligner brings the model's rooms, which a format has no use for
    from asr.inference.aligner import Aligned


def _json(transcript: Transcript) -> str:
    """One line; times in seconds, scores the mean log probability (nats) of a word's frames, confidence in [0, 1]."""
    alternatives = [_alternative(alternative) for alternative in transcript.nbest]
    return _json_line(_row(transcript) | ({"alternatives": alternatives} if alternatives else {}))


def _row(of: "Transcript | Aligned") -> dict[str, Any]:
    return {
        "id": of.id,
        "duration": round(of.duration, 3),
        "text": of.text,
        "words": [{"word": word.text, **_when(word)} for word in of.words],
    }


def _when(span: Span) -> dict[str, float]:
    return {
        "start": round(span.start, 3),
        "end": round(span.end, 3),
        "score": round(span.score, 4),
        "confidence": round(sureness(span), 4),
    }


def _alternative(of: Alternative) -> dict[str, Any]:
    return {"text": of.text, "score": round(of.score, 4), "acoustic": round(of.acoustic, 4), "lm": round(of.lm, 4)}


def _json_line(row: dict[str, Any]) -> str:
    return json.dumps(row, ensure_ascii=False) + "\n"


@dataclass(frozen=True, slots=True)
class Format:
    """How a transcript is written: its file, the file's suffix, and its part of a list, or None where it has none."""

    file: Callable[[Transcript], str]
    suffix: str
    line: Callable[[Transcript], str] | None = None


def _ctm(transcript: "Transcript | Aligned") -> str:
    return ctm(transcript.id, transcript.words)


FORMATS: dict[str, Format] = {
    "txt": Format(lambda t: t.text + "\n", ".txt", lambda t: f"{t.id}\t{t.text}\n"),
    "json": Format(_json, ".json", _json),
    "srt": Format(lambda t: srt(t.words, t.duration), ".srt"),
    "vtt": Format(lambda t: vtt(t.words, t.duration), ".vtt"),
    "ctm": Format(_ctm, ".ctm", _ctm),
    "textgrid": Format(lambda t: textgrid(t.duration, {"words": t.words}), ".TextGrid"),
}


def format_of(name: str) -> Format:
    """The format of that name. Raises ConfigError where there is none."""
    if name not in FORMATS:
        raise ConfigError(f"format {name!r}: is unknown; expected one of {', '.join(FORMATS)}; choose one")
    return FORMATS[name]


def render(transcript: Transcript, format: str = "txt") -> str:
    """The whole of one recording's file in `format`. Raises ConfigError for an unknown format."""
    return format_of(format).file(transcript)


def line(transcript: Transcript, format: str = "txt") -> str:
    """One recording's part of a list, without the last newline: `name<TAB>text`, its JSON object, its words' lines.

    Of a format that knows no lists, the whole file.
    """
    chosen = format_of(format)
    return (chosen.line or chosen.file)(transcript).removesuffix("\n")


def write_transcript(folder: Path, transcript: Transcript, format: str = "txt") -> Path:
    """Write `folder/<name>.<format>`, whole or not at all, and return its path."""
    path = folder / f"{transcript.id}{format_of(format).suffix}"
    write_text(path, render(transcript, format))
    return path


# ── alignments ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _json_aligned(of: "Aligned") -> str:
    tokens = [{"token": token.text, **_when(token)} for token in of.tokens]
    return _json_line(_row(of) | {"tokens": tokens, "score": round(of.score, 4), "gap": round(of.gap, 4)})


def _textgrid_aligned(of: "Aligned") -> str:
    return textgrid(of.duration, {"words": of.words, "tokens": [t for t in of.tokens if t.text.strip()]})


# a format's lines for one utterance, and the suffix of the file a corpus shares; "" has a file an utterance
ALIGNMENTS: dict[str, tuple[Callable[["Aligned"], str], str]] = {
    "ctm": (_ctm, ".ctm"),
    "textgrid": (_textgrid_aligned, ""),
    "json": (_json_aligned, ".jsonl"),
}


def aligned_lines(of: "Aligned", format: str = "ctm") -> str:
    """One utterance in `format`: its part of the corpus's file, or the whole of its own."""
    return _alignment_format(format)[0](of)


def suffix(format: str) -> str:
    """The suffix of the one file for a corpus in `format`, "" where each utterance has its own."""
    return _alignment_format(format)[1]


def write_aligned(folder: Path, of: "Aligned", format: str = "textgrid") -> Path:
    """Write `folder/<id>.TextGrid`, whole or not at all, and return its path; ids cannot lead out of the folder."""
    parts = ["_" if part in ("..", ".") else part for part in of.id.split("/") if part]
    path = folder.joinpath(*parts[:-1], f"{parts[-1] if parts else '_'}.TextGrid")
    write_text(path, aligned_lines(of, format))
    return path


def _alignment_format(format: str) -> tuple[Callable[["Aligned"], str], str]:
    if format not in ALIGNMENTS:
        raise ConfigError(f"format {format!r}: is unknown; expected one of {', '.join(ALIGNMENTS)}; choose one")
    return ALIGNMENTS[format]
