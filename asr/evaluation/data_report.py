"""A page about the data of a training: what is wrong or odd in it, how it is spread, and what to listen to.

Knows how it looks; what was found is handed in as plain data.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from asr.evaluation.errors import align_words
from asr.evaluation.histograms import histogram
from asr.evaluation.pages import render_page
from asr.evaluation.sounds import Sound, clips
from asr.files import write_text

_AUDIO_ROOM = 12_000_000  # characters of embedded clips, six minutes of 16 kHz and 16 bits
_ROWS = 20_000  # utterances in the page's table; of more, those that something is said of come first
_PLAYED = 2_000  # utterances at most with something to play, the odd ones first
_SHOWN = 50  # of a kind of finding, of copies, of characters outside, of doubtful transcripts
_QUANTITIES = (  # what is drawn: a key of a row, and the title
    ("seconds", "duration, s"), ("words", "words"), ("rate", "characters a second"),
    ("level", "level of the loud parts, dB of full scale"), ("noise_ratio", "signal-to-noise ratio, dB (estimated)"),
    ("silent", "silent share, %"), ("pause", "silence at both ends, s"), ("clipped", "clipped samples, %"),
    ("offset", "DC offset, % of full scale"), ("bandwidth", "where the spectrum ends, Hz"),
    ("gap", "gap between text and audio, nats a token"),
)  # fmt: skip

_COLUMNS = (  # of the table: a key of a row, and its digits
    ("seconds", 2), ("rate", 1), ("level", 1), ("noise_ratio", 1), ("clipped", 2), ("offset", 2), ("silent", 0),
    ("bandwidth", 0), ("gap", 2),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Line:
    """An utterance of the page: `figures` by the names of what is drawn, `notes` the kinds of what is said of it."""

    manifest: str
    id: str
    speaker: str | None
    text: str
    sound: Sound
    figures: Mapping[str, float]
    notes: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Doubt:
    """A transcript a model disagrees with: the gap in nats a token, what it says and what the model hears."""

    manifest: str
    id: str
    gap: float
    said: str
    heard: str


@dataclass(frozen=True, slots=True)
class DataPage:
    """What the page says. `manifests`, `formats`, `characters`, `coverage`, `overlaps` and `copies` are rows as the
    template names them; `findings` are (title, kind, lines); `doubts` None where no model was asked."""

    manifests: Sequence[Mapping[str, Any]]
    findings: Sequence[tuple[str, str, Sequence[str]]]
    lines: Sequence[Line]
    formats: Sequence[Mapping[str, Any]] = ()
    characters: Sequence[Mapping[str, Any]] = ()
    coverage: Sequence[Mapping[str, Any]] = ()
    overlaps: Sequence[Mapping[str, Any]] = ()
    copies: Sequence[Mapping[str, Any]] = ()
    texts: Sequence[tuple[str, int]] = ()  # the commonest, and how often
    doubts: Sequence[Doubt] | None = None
    facts: Mapping[str, str] = field(default_factory=dict)


def write_data_page(page: DataPage, out: Path, audio_room: int = _AUDIO_ROOM) -> None:
    """Write the page to `out`, whole or not at all. `audio_room` bounds embedded clips."""
    names = [row["name"] for row in page.manifests]
    doubted = {(doubt.manifest, doubt.id): doubt for doubt in page.doubts or ()}
    order = sorted(range(len(page.lines)), key=lambda i: _urgency(page.lines[i], doubted))
    shown = [page.lines[i] for i in order[:_ROWS]]
    heard = _addresses(shown, out.parent, audio_room)
    played = {(line.manifest, line.id): address for line, address in zip(shown, heard, strict=True)}
    errors = sum(len(lines) for title, _, lines in page.findings if title == "error")
    text = render_page(
        "data.html",
        page=page,
        labels=_labels(names),
        errors=errors,
        warnings=sum(len(lines) for _, _, lines in page.findings) - errors,
        shown=_SHOWN,
        charts=[chart for chart in _charts(names, page.lines) if chart[1]],
        constants=list(_constants(page.lines)),
        doubts=None
        if page.doubts is None
        else [(d, played.get((d.manifest, d.id)), align_words(d.said, d.heard)) for d in page.doubts[:_SHOWN]],
        table=[_row(line, at, names) for line, at in zip(shown, heard, strict=True)],
        kinds=_kinds(shown),
    )
    write_text(out, text.encode("utf-8", "replace").decode())  # names of files may hold anything


def _urgency(line: Line, doubted: Mapping[tuple[str, str], Doubt]) -> tuple[float, int]:
    """What to listen to first: the most doubtful transcripts, then what most is said of."""
    doubt = doubted.get((line.manifest, line.id))
    return -(doubt.gap if doubt else 0.0), -len(line.notes)


def _addresses(lines: Sequence[Line], folder: Path, room: int) -> list[str | None]:
    """What each of the lines is played from: those first in the list inside the page until `room` is full."""
    addresses = clips(((str(i), line.sound) for i, line in enumerate(lines[:_PLAYED])), folder, room)
    return [addresses.get(str(i)) for i in range(len(lines))]


def _labels(names: Sequence[str]) -> dict[str, str]:
    """What manifests are called in tables: their paths without the folders that all are in."""
    parts = [Path(name).parts for name in names]
    shared = next((i for i, level in enumerate(zip(*parts, strict=False)) if len(set(level)) > 1), 0)
    short = [str(Path(*path[shared:])) for path in parts]
    return dict(zip(names, short if len(names) > 1 else [parts[0][-1] if names else ""], strict=False))


def _charts(names: Sequence[str], lines: Sequence[Line]) -> list[tuple[str, str]]:
    """(title, <svg>) of each quantity, an outline for each manifest."""
    by_name: dict[str, list[Line]] = {name: [] for name in names}
    for line in lines:
        by_name[line.manifest].append(line)
    return [
        (title, histogram(title, [(n, [x.figures[key] for x in ls if key in x.figures]) for n, ls in by_name.items()]))
        for key, title in _QUANTITIES
    ]


def _constants(lines: Sequence[Line]) -> Iterator[tuple[str, str]]:
    """(title, value) of each quantity that has one value only."""
    for key, title in _QUANTITIES:
        values = {line.figures[key] for line in lines if key in line.figures}
        if len(values) == 1:
            yield title, f"{values.pop():.6g}"


def _row(line: Line, address: str | None, names: Sequence[str]) -> list[Any]:
    """One utterance for the page's script; see data.js."""
    figures = [round(line.figures[key], digits) if key in line.figures else None for key, digits in _COLUMNS]
    return [
        line.id,
        names.index(line.manifest),
        line.speaker,
        *figures,
        sorted(set(line.notes)),
        line.text,
        address,
    ]


def _kinds(lines: Sequence[Line]) -> list[tuple[str, int]]:
    """Every note there is, and how many utterances have it."""
    return sorted(Counter(note for line in lines for note in set(line.notes)).items())
