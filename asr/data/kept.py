"""What was found out about files, kept on disk as it is found: an interrupted search goes on where it was.

A JSON line each, appended; a line that a crash cut off is passed over. What is known of a file holds as long as its
size and the time of its last change do. Knows how to keep things; what they are the caller says.
"""

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Generic, TypeVar

from asr.files import write_text

Found = TypeVar("Found")
_VERSION = 1  # of the measures; another one's are not read


class Kept(Generic[Found]):
    """Findings by file and question, in `place`. `pack` and `unpack` turn one into plain data and back."""

    def __init__(self, place: Path, pack: Callable[[Found], Any], unpack: Callable[[Any], Found]) -> None:
        self._place, self._pack, self._unpack = place, pack, unpack
        self._known = dict(_rows(place))
        self._used: dict[str, Any] = {}
        self._lock = threading.Lock()
        place.parent.mkdir(parents=True, exist_ok=True)
        self._file = place.open("a", encoding="utf-8")
        if not _ends_a_line(place):
            self._file.write("\n")  # after one that a crash cut off

    def get(self, path: Path, question: Any) -> Found | None:
        """What is known; None where nothing is, or the file has changed since."""
        key = _key(path, question)
        if key is None or key not in self._known:
            return None
        try:
            found = self._unpack(self._known[key])
        except (KeyError, TypeError, ValueError):  # somebody else's lines
            return None
        with self._lock:
            self._used[key] = self._known[key]
        return found

    def put(self, path: Path, question: Any, found: Found) -> None:
        """Keep a finding; it is on its way to the disk when this returns."""
        key = _key(path, question)
        if key is None:
            return
        packed = self._pack(found)
        with self._lock:
            self._used[key] = packed
            self._file.write(_line(key, packed))
            self._file.flush()

    def close(self, finished: bool) -> None:
        """Close the file; when the search has `finished`, drop from it what was not asked for."""
        self._file.close()
        if finished:
            write_text(self._place, "".join(_line(*row) for row in self._used.items()))


def _line(key: str, packed: Any) -> str:
    return json.dumps({"version": _VERSION, "key": key, "found": packed}, ensure_ascii=False) + "\n"


def _key(path: Path, question: Any) -> str | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return json.dumps([str(path.absolute()), status.st_size, status.st_mtime_ns, question], ensure_ascii=False)


def _ends_a_line(place: Path) -> bool:
    with place.open("rb") as file:
        return not file.seek(0, 2) or (file.seek(-1, 2), file.read(1))[1] == b"\n"


def _rows(place: Path) -> list[tuple[str, Any]]:
    if not place.exists():
        return []
    found = []
    with place.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            try:
                row = json.loads(line)
            except ValueError:
                continue
            if isinstance(row, dict) and row.get("version") == _VERSION and {"key", "found"} <= row.keys():
                found.append((row["key"], row["found"]))
    return found
