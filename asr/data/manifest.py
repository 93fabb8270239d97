"""Manifests: JSON Lines, one utterance a line. Knows fields and their errors; does not open audio.

Fields: `id`, `audio` (absolute, or relative to the manifest's folder), `duration` [s], `text`; optional `speaker`,
`offset` [s]; whatever else stands there is kept. NeMo's names (`audio_filepath`) are understood when reading.
"""

import json
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from asr.errors import ManifestError
from asr.files import write_text
from asr.types import Utterance

_KNOWN = ("id", "audio", "audio_filepath", "duration", "text", "speaker", "offset")
_FOREVER = 1e9  # s, thirty years: no recording is longer


def read_manifest(path: Path | str, measure: Callable[[Path], float] | None = None) -> list[Utterance]:
    """The utterances of a JSONL manifest, in file order; `measure` gives the duration (s) where a line has none.

    Raises ManifestError naming file and line: missing file, bad JSON, missing or wrong field, repeated id, no line.
    """
    path = Path(path)
    seen: dict[str, int] = {}
    utterances = []
    for number, row in _rows(path):
        if measure is not None and row.get("duration") is None:
            row["duration"] = measure(path.parent / str(row.get("audio", row.get("audio_filepath"))))
        utterance = _utterance(row, f"{path}:{number}", path.parent)
        if utterance.id in seen:
            raise ManifestError(
                f"{path}:{number}: id {utterance.id!r} stands at line {seen[utterance.id]} too; "
                "expected unique ids; rename one"
            )
        seen[utterance.id] = number
        utterances.append(utterance)
    if not utterances:
        raise ManifestError(f"{path}: the manifest is empty; expected one JSON object a line; run `asr prepare` again")
    return utterances


def write_manifest(path: Path | str, utterances: Iterable[Utterance]) -> None:
    """Write a manifest, whole or not at all; audio inside the manifest's folder is written relative to it."""
    folder = Path(path).parent
    rows = (json.dumps(_row(utterance, folder), ensure_ascii=False) + "\n" for utterance in utterances)
    write_text(path, "".join(rows))


def _rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")  # some editors put a byte order mark first
    except FileNotFoundError:
        raise ManifestError(f"{path}: no such manifest; expected a .jsonl file; make one with `asr prepare`") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ManifestError(f"{path}: cannot be read ({error}); expected UTF-8 JSON lines; check the file") from None
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise ManifestError(
                f"{path}:{number}: not JSON ({error.msg} at column {error.colno}); expected one object a line; "
                "mend the line"
            ) from None
        if not isinstance(row, dict):
            raise ManifestError(f"{path}:{number}: a {type(row).__name__}; expected a JSON object; mend the line")
        if "\\u" in line:
            _refuse_surrogates(row, f"{path}:{number}")
        yield number, row


def _refuse_surrogates(row: dict[str, Any], where: str) -> None:
    """Half of a surrogate pair is valid JSON, but no character: it can be neither written nor spoken."""
    try:
        json.dumps(row, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        code = f"\\u{ord(error.object[error.start]):04x}"
        raise ManifestError(
            f"{where}: {code} is half of a surrogate pair; expected whole characters; mend the line"
        ) from None


def _utterance(row: dict[str, Any], where: str, folder: Path) -> Utterance:
    audio = row.get("audio", row.get("audio_filepath"))
    if not isinstance(audio, str) or not audio:
        raise ManifestError(f"{where}: no 'audio'; expected the path of a recording; add it")
    text = row.get("text")
    if not isinstance(text, str):
        raise ManifestError(f"{where}: text is {text!r}; expected a string; add the transcript")
    duration = _seconds(row.get("duration"), "duration", where)
    if duration <= 0:
        raise ManifestError(f"{where}: duration is {duration:g} s; expected > 0; drop the line or mend its duration")
    offset = _seconds(row.get("offset", 0.0), "offset", where)
    if offset < 0:
        raise ManifestError(f"{where}: offset is {offset:g} s; expected >= 0; mend the line")
    speaker, given = row.get("speaker"), row.get("id")
    return Utterance(
        id=_default_id(audio, offset) if given is None or given == "" else str(given),
        audio=folder / audio,
        duration=duration,
        text=text,
        speaker=None if speaker is None else str(speaker),
        offset=offset,
        extra={k: v for k, v in row.items() if k not in _KNOWN},
    )


def _default_id(audio: str, offset: float) -> str:
    return Path(audio).with_suffix("").as_posix().lstrip("/") + (f"@{offset:g}" if offset else "")


def _seconds(value: Any, name: str, where: str) -> float:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not abs(value) <= _FOREVER:
        raise ManifestError(f"{where}: {name} is {value!r}; expected seconds as a number; run `asr prepare` again")
    return float(value)


def _row(utterance: Utterance, folder: Path) -> dict[str, Any]:
    audio = Path(os.path.abspath(utterance.audio))
    inside = audio.is_relative_to(os.path.abspath(folder))
    row: dict[str, Any] = {
        "id": utterance.id,
        "audio": str(audio.relative_to(os.path.abspath(folder)) if inside else audio),
        "duration": round(utterance.duration, 6),
        "text": utterance.text,
    }
    if utterance.speaker is not None:
        row["speaker"] = utterance.speaker
    if utterance.offset:
        row["offset"] = utterance.offset
    return row | utterance.extra
