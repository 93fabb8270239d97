"""What the user pointed at, as recordings: files, folders and globs; and a name for each."""

import glob
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from asr.audio.io import SUFFIXES
from asr.errors import AudioError


def expand(paths: Iterable[Path | str]) -> list[Path]:
    """The recordings that files, folders (searched to the bottom) and globs (`**` too) name, each once.

    A file named outright is taken whatever its suffix; folders and globs yield what has an audio one, sorted.
    Raises AudioError for a path that names nothing.
    """
    found: dict[Path, None] = {}
    for path in paths:
        found |= dict.fromkeys(_recordings(Path(path)))
    return list(found)


def _recordings(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    if path.is_dir():
        return _audio(path, path.rglob("*"), "folder")
    if glob.has_magic(str(path)):
        return _audio(path, map(Path, glob.glob(str(path), recursive=True)), "glob")
    raise AudioError(f"{path}: no such file or folder; expected a recording; check the path")


def _audio(path: Path, candidates: Iterable[Path], what: str) -> list[Path]:
    files = sorted(p for p in candidates if p.suffix.lower() in SUFFIXES and p.is_file())
    if not files:
        raise AudioError(
            f"{path}: the {what} holds no recording; expected files such as .wav, .flac, .mp3 or .opus; "
            "check the path, or name the file itself"
        )
    return files


def names(paths: Sequence[Path]) -> list[str]:
    """A name for each recording: its path below the folder all share, without suffix where it is unique."""
    if not paths:
        return []
    absolute = [Path(os.path.abspath(path)) for path in paths]
    folder = os.path.commonpath([path.parent for path in absolute])
    whole = [path.relative_to(folder).as_posix() for path in absolute]
    short = [Path(name).with_suffix("").as_posix() for name in whole]
    count = Counter(short)
    return [s if count[s] == 1 else w for s, w in zip(short, whole, strict=True)]
