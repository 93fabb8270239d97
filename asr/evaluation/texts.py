"""Texts by utterance, read from the files that scoring tools exchange: TSV, trn, JSON Lines."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from asr.errors import ManifestError

_TRN = re.compile(r"^(.*?)\s*\(([^()\s]+)\)\s*$")  # NIST: the text, then the id in parentheses
_KEYS = {"reference": ("reference", "text"), "hypothesis": ("hypothesis", "text")}
_HEADS = {"text", "reference", "ref", "hypothesis", "hyp", "transcript", "transcription", "sentence"}  # beside `id`


def read_texts(path: Path, side: str) -> dict[str, tuple[str, int]]:
    """Text and line number of every id in a .trn (`text (id)`), .jsonl (objects with an id) or TSV (id, tab, text).

    `side` is reference or hypothesis: which field of a JSON line is meant; `text` otherwise. Raises ManifestError,
    naming file and line: no such file, a line that is none of these, an id that stands there twice, no line at all.
    """
    return _collected(path, _KEYS[side])


def read_both(path: Path) -> tuple[dict[str, tuple[str, int]], dict[str, tuple[str, int]]]:
    """References and hypotheses of a results.jsonl, whose lines hold both.

    Raises ManifestError as read_texts does, and where a file holds one text a line only.
    """
    if path.suffix != ".jsonl" and path.exists():
        raise ManifestError(
            f"{path}: holds one text for an id; expected a results.jsonl, or a second file; name the hypotheses too"
        )
    return _collected(path, ("reference",)), _collected(path, ("hypothesis",))


def read_rows(path: Path) -> list[dict[str, Any]]:
    """The objects of a JSON Lines file. Raises ManifestError as read_texts does."""
    return [_object(line, f"{path}:{number}") for number, line in _lines(path)]


def _collected(path: Path, keys: tuple[str, ...]) -> dict[str, tuple[str, int]]:
    texts: dict[str, tuple[str, int]] = {}
    for number, line in _lines(path):
        if _says_nothing(path, number, line):
            continue
        name, text = _parsed(line, path, number, keys)
        if name in texts:
            raise ManifestError(
                f"{path}:{number}: id {name!r} stands at line {texts[name][1]} too; expected unique ids; remove one"
            )
        texts[name] = text, number
    if not texts:
        raise ManifestError(f"{path}: holds no line; expected a text for each id; check the file")
    return texts


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except FileNotFoundError:
        raise ManifestError(f"{path}: no such file; expected a TSV, .trn or .jsonl of texts; check the path") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ManifestError(f"{path}: cannot be read ({error}); expected UTF-8 text; check the file") from None
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield number, line.rstrip("\r")


def _says_nothing(path: Path, number: int, line: str) -> bool:
    """Whether a line is one of NIST's comments in a .trn, or the head of a TSV."""
    if path.suffix == ".trn":
        return line.startswith(";;")
    cells = [cell.strip().lower() for cell in line.split("\t")]
    return path.suffix != ".jsonl" and number == 1 and len(cells) == 2 and cells[0] == "id" and cells[1] in _HEADS


def _parsed(line: str, path: Path, number: int, keys: tuple[str, ...]) -> tuple[str, str]:
    where = f"{path}:{number}"
    if path.suffix == ".jsonl":
        return _of_object(_object(line, where), where, keys)
    if path.suffix == ".trn":
        found = _TRN.match(line)
        if found is None:
            raise ManifestError(f"{where}: no id; expected `text (id)`; mend the line")
        return found[2], found[1].strip()
    name, _, text = line.partition("\t")
    if not name.strip() or ("\t" not in line and " " in name.strip()):  # an id alone is one where nothing was heard
        raise ManifestError(f"{where}: no id and tab; expected `id<TAB>text`; mend the line, or name a .trn or .jsonl")
    return name.strip(), text.strip()


def _object(line: str, where: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        raise ManifestError(f"{where}: not JSON ({error.msg}); expected one object a line; mend the line") from None
    if not isinstance(row, dict):
        raise ManifestError(f"{where}: a {type(row).__name__}; expected a JSON object; mend the line")
    return row


def _of_object(row: Mapping[str, Any], where: str, keys: tuple[str, ...]) -> tuple[str, str]:
    name, text = row.get("id"), next((row[key] for key in keys if key in row), None)
    if name is None or name == "":
        raise ManifestError(f"{where}: no 'id'; expected the utterance's name; add it")
    if not isinstance(text, str):
        remedy = "add it" if len(keys) > 1 else "add it, or name a second file with the hypotheses"
        raise ManifestError(f"{where}: no text; expected a string in {' or '.join(keys)}; {remedy}")
    return str(name), text
