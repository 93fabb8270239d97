"""Transcripts and alignments as files and lines. A new format is one function and one line of a table."""

import json
import math
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from asr.errors import ConfigError
from asr.files import write_text
from asr.types import Span, Transcript

if TYPE_CHECKING:  # the aligner brings the model's rooms, which a format has no use for
    from asr.inference.aligner import Aligned


def _txt(transcript: Transcript) -> str:
    return transcript.text + "\n"


def _json(transcript: Transcript) -> str:
    """One line; times in seconds, scores the mean log probability (nats) of a word's frames."""
    return _json_line(_row(transcript))


def _row(of: "Transcript | Aligned") -> dict[str, Any]:
    return {
        "id": of.id,
        "duration": round(of.duration, 3),
        "text": of.text,
        "words": [{"word": word.text, **_when(word)} for word in of.words],
    }


def _when(span: Span) -> dict[str, float]:
    return {"start": round(span.start, 3), "end": round(span.end, 3), "score": round(span.score, 4)}


def _json_line(row: dict[str, Any]) -> str:
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


# ── alignments ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _ctm(of: "Aligned") -> str:
    """NIST's time-marked conversation format, a line a word: recording, channel, start, duration, word, confidence."""
    name = "_".join(of.id.split())  # white space would be one more field
    return "".join(
        f"{name} 1 {word.start:.3f} {word.end - word.start:.3f} {word.text} {math.exp(word.score):.4f}\n"
        for word in of.words
    )


def _json_aligned(of: "Aligned") -> str:
    tokens = [{"token": token.text, **_when(token)} for token in of.tokens]
    return _json_line(_row(of) | {"tokens": tokens, "score": round(of.score, 4), "gap": round(of.gap, 4)})


def _textgrid(of: "Aligned") -> str:
    """Praat's long text format with tiers of words and tokens; what lies between is an empty interval."""
    head = 'File type = "ooTextFile"\nObject class = "TextGrid"\n\nxmin = 0\n'
    tiers = {"words": of.words, "tokens": [token for token in of.tokens if token.text.strip()]}
    body = "".join(_tier(i, name, spans, of.duration) for i, (name, spans) in enumerate(tiers.items(), 1))
    return f"{head}xmax = {of.duration:.6f}\ntiers? <exists>\nsize = {len(tiers)}\nitem []:\n{body}"


def _tier(number: int, name: str, spans: Iterable[Span], duration: float) -> str:
    whole = _without_gaps(spans, duration)
    lines = [
        f"    item [{number}]:",
        '        class = "IntervalTier"',
        f'        name = "{name}"',
        "        xmin = 0",
        f"        xmax = {duration:.6f}",
        f"        intervals: size = {len(whole)}",
    ]
    for i, span in enumerate(whole, 1):
        text = span.text.replace('"', '""')
        lines += [f"        intervals [{i}]:", f"            xmin = {span.start:.6f}"]
        lines += [f"            xmax = {span.end:.6f}", f'            text = "{text}"']
    return "\n".join(lines) + "\n"


def _without_gaps(spans: Iterable[Span], duration: float) -> list[Span]:
    """The spans, in order, with empty ones before, between and after them."""
    filled, at = [], 0.0
    for span in [*spans, Span("", duration, duration)]:
        if round(span.start, 6) > round(at, 6):
            filled.append(Span("", at, span.start))
        at = span.end
        filled += [span] if span.text else []
    return filled


# a format's lines for one utterance, and the suffix of the file a corpus shares; "" has a file an utterance
ALIGNMENTS: dict[str, tuple[Callable[["Aligned"], str], str]] = {
    "ctm": (_ctm, ".ctm"),
    "textgrid": (_textgrid, ""),
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
