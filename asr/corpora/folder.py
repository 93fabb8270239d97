"""Somebody's own recordings: audio beside `.txt` files of the same name, or one CSV or TSV that lists them.

Knows how people lay out such folders. Writes manifests only; the recordings stay where they are.
"""

import csv
import io
from collections.abc import Iterator
from pathlib import Path

from asr.audio.io import SUFFIXES
from asr.corpora.listing import Listed, prepare_listed
from asr.corpora.prepared import Progress, quiet
from asr.errors import ManifestError

_COLUMNS = {
    "audio": ("path", "audio", "file", "filename", "wav"),
    "text": ("text", "transcript", "sentence", "transcription"),
    "speaker": ("speaker", "speaker_id", "client_id"),
    "split": ("split",),
}
_DELIMITERS = "\t,;|"


def prepare(
    out: Path,
    *,
    source: Path,
    seed: int = 0,
    skip_bad: bool = False,
    progress: Progress = quiet,
) -> dict[str, Path]:
    """List the recordings of `source` in train, dev and test manifests in `out`.

    `source` is a folder searched to its depths for audio beside `.txt`, a CSV or TSV file, or a folder with one
    such file at its top. Raises ManifestError: nothing found, no such column, recordings that cannot be read.
    """
    table = _table(source)
    listed = _read_table(table) if table is not None else _pairs(source)
    return prepare_listed(out, "folder", source, listed, seed=seed, skip_bad=skip_bad, progress=progress)


def _table(source: Path) -> Path | None:
    """The CSV or TSV meant by `source`, or None for a folder without one."""
    if source.is_file():
        return source
    if not source.is_dir():
        raise ManifestError(f"{source}: no such file or folder; expected recordings with transcripts; mend --source")
    tables = sorted(path for path in source.iterdir() if path.suffix.lower() in (".csv", ".tsv"))
    if len(tables) > 1:
        names = ", ".join(path.name for path in tables)
        raise ManifestError(f"{source}: holds {names}; expected one table; name the one you mean as --source")
    return tables[0] if tables else None


def _pairs(source: Path) -> list[Listed]:
    """Every recording under `source` with a `.txt` of the same name."""
    recordings: dict[Path, Path] = {}
    for path in sorted(source.rglob("*")):
        if path.suffix.lower() in SUFFIXES:
            recordings.setdefault(path.with_suffix(""), path)
    listed = [
        Listed(stem.relative_to(source).as_posix(), path, read_text(transcript))
        for stem, path in recordings.items()
        if (transcript := stem.with_name(stem.name + ".txt")).is_file()
    ]
    if not listed:
        raise ManifestError(
            f"{source}: {len(recordings)} recordings and no transcript of theirs; expected NAME.txt beside "
            "NAME.wav, or a CSV with the columns path and text; add one of them"
        )
    return listed


def _read_table(table: Path) -> list[Listed]:
    """The rows of a CSV or TSV with a header; the delimiter is the one that splits the header most."""
    text = read_text(table, keep_lines=True)
    header = text.partition("\n")[0]
    delimiter = max(_DELIMITERS, key=header.count)
    lines = io.StringIO(text, newline="")
    if delimiter == "\t":  # who separates by tabs seldom quotes: a quotation mark is just that
        rows = csv.DictReader(lines, delimiter=delimiter, quoting=csv.QUOTE_NONE)
    else:
        rows = csv.DictReader(lines, delimiter=delimiter)
    columns = _find_columns(table, [name or "" for name in rows.fieldnames or []])
    listed = []
    for number, row in _numbered(table, rows):
        cells = {field: (row.get(column) or "").strip() for field, column in columns.items()}
        if not cells["audio"]:
            raise ManifestError(
                f"{table}:{number}: no path; expected a recording in column {columns['audio']!r}; add it"
            )
        listed.append(
            Listed(
                Path(cells["audio"]).with_suffix("").as_posix().lstrip("/"),
                table.parent / cells["audio"],
                cells["text"],
                speaker=cells.get("speaker") or None,
                split=cells.get("split") or None,
            )
        )
    if not listed:
        raise ManifestError(f"{table}: no rows; expected one recording a line under the header; add them")
    return listed


def _numbered(table: Path, rows: csv.DictReader) -> Iterator[tuple[int, dict[str, str]]]:
    """The line each row begins at, and the row. Raises ManifestError for a cell that runs over several lines."""
    try:
        for row in rows:
            cells = [*row.values(), *(row.get(None) or ())]  # under None: those beyond the last column
            breaks = sum(cell.count("\n") for cell in cells if isinstance(cell, str))
            number = rows.line_num - breaks
            if breaks:
                raise ManifestError(
                    f"{table}:{number}: a cell runs over several lines; expected one line a recording; close its "
                    "quotation mark, or double a mark that is part of the text"
                )
            yield number, row
    except csv.Error as error:
        raise ManifestError(
            f"{table}:{rows.line_num}: cannot be read ({error}); expected one line a recording; look for a quotation "
            "mark that is not closed"
        ) from None


def _find_columns(table: Path, names: list[str]) -> dict[str, str]:
    """Field → the column that holds it; audio and text must be there."""
    plain = {name.strip().lower(): name for name in reversed(names)}
    found = {
        field: plain[wanted]
        for field, accepted in _COLUMNS.items()
        if (wanted := next((name for name in accepted if name in plain), None)) is not None
    }
    for field in ("audio", "text"):
        if field not in found:
            raise ManifestError(
                f"{table}: no {field} column among {', '.join(names) or 'none'}; expected one of "
                f"{', '.join(_COLUMNS[field])}; name it so in the header"
            )
    return found


def read_text(path: Path, keep_lines: bool = False) -> str:
    """The UTF-8 text of a file, with or without a byte order mark; on one line unless `keep_lines`.

    Raises ManifestError when it cannot be read or is not UTF-8.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ManifestError(f"{path}: cannot be read ({error}); expected UTF-8 text; save it as UTF-8") from None
    return text if keep_lines else " ".join(text.split())
