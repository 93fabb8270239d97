"""Texts to learn units or words from: the transcripts of manifests, and the lines of text files."""

from collections.abc import Sequence
from pathlib import Path

from asr.data.manifest import read_manifest
from asr.errors import ManifestError


def read_texts(paths: Sequence[Path]) -> list[str]:
    """The texts of every `.jsonl` manifest and the lines of every other file, in order.

    Raises ManifestError: a file that cannot be read, or is not UTF-8.
    """
    texts: list[str] = []
    for path in paths:
        texts += [u.text for u in read_manifest(path)] if path.suffix == ".jsonl" else _lines(path)
    return texts


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise ManifestError(
            f"{path}: cannot be read ({reason}); expected a manifest .jsonl or UTF-8 text; check the path"
        ) from None
