"""What was found out about files, kept on disk as it is found: an interrupted search goes on where it was.

A JSON line each, appended; a line that a crash cut off is passed over. What is known of a file holds as long as its
size and the time of its last change do. Several processes may add to one file at a time: each holds a shared lock on
it, and whoever would rewrite it needs it alone. Knows how to keep things; what they are the caller says.
"""

import fcntl
import json
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Generic, TextIO, TypeVar

from asr.files import write_text

Found = TypeVar("Found")
_VERSION = 2  # of the measures; another one's are not read
_MISFITS = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError)  # what unpacking a wrong row raises


class Kept(Generic[Found]):
    """Findings by file and question, in `place`. `pack` and `unpack` turn one into plain data and back.

    What `unpack` refuses is as if it were not there.
    """

    def __init__(self, place: Path, pack: Callable[[Found], Any], unpack: Callable[[Any], Found]) -> None:
        self._place, self._pack, self._unpack = place, pack, unpack
        self._lock = threading.Lock()
        self.reused: set[Path] = set()  # files something was known of
        place.parent.mkdir(parents=True, exist_ok=True)
        self._file = _opened(place)
        self._known = dict(_rows(place)[0])
        if not _ends_a_line(place):
            self._file.write("\n")  # after one that a crash cut off

    def get(self, path: Path, question: Any) -> Found | None:
        """What is known; None where nothing is, or the file has changed since."""
        key = _key(path, question)
        if key is None or key not in self._known:
            return None
        try:
            found = self._unpack(self._known[key])
        except _MISFITS:  # somebody else's lines
            return None
        with self._lock:
            self.reused.add(path)
        return found

    def put(self, path: Path, question: Any, found: Found) -> None:
        """Keep a finding; it is on its way to the disk when this returns."""
        key = _key(path, question)
        if key is None:
            return
        line = _line(key, self._pack(found))
        with self._lock:
            self._file.write(line)
            self._file.flush()

    def close(self, finished: bool) -> None:
        """Close the file; when the search has `finished`, drop from it what is of no use to any other one either.

        That is, of files that are gone or have changed; where nobody else has it open, who would lose what they add.
        """
        with self._file:
            self._file.flush()
            if finished and _alone(self._file):
                rows, lines = _rows(self._place)
                lasting = {key: packed for key, packed in rows if _holds(key)}
                if len(lasting) < lines:
                    write_text(self._place, "".join(_line(*row) for row in lasting.items()))


def _line(key: str, packed: Any) -> str:
    return json.dumps({"version": _VERSION, "key": key, "found": packed}, ensure_ascii=False) + "\n"


def _key(path: Path, question: Any) -> str | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return json.dumps([str(path.absolute()), status.st_size, status.st_mtime_ns, question], ensure_ascii=False)


def _holds(key: str) -> bool:
    """Whether the file a finding is about is still what it was."""
    try:
        path, _, _, question = json.loads(key)
        return _key(Path(path), question) == key
    except _MISFITS:
        return False


def _opened(place: Path) -> TextIO:
    """`place` to append to, with a shared lock; anew where it was rewritten before the lock was had."""
    while True:
        file = place.open("a", encoding="utf-8")
        _locked(file, fcntl.LOCK_SH)
        if place.exists() and os.path.samestat(place.stat(), os.fstat(file.fileno())):
            return file
        file.close()


def _alone(file: TextIO) -> bool:
    return _locked(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _locked(file: TextIO, how: int) -> bool:
    try:
        fcntl.flock(file, how)
    except BlockingIOError:
        return False
    except OSError:  # a disk in the network that knows no locks
        pass
    return True


def _ends_a_line(place: Path) -> bool:
    with place.open("rb") as file:
        return not file.seek(0, 2) or (file.seek(-1, 2), file.read(1))[1] == b"\n"


def _rows(place: Path) -> tuple[list[tuple[str, Any]], int]:
    """The rows that can be read, and how many lines there are."""
    found, count = [], 0
    with place.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            count += 1
            try:
                row = json.loads(line)
            except (ValueError, RecursionError):
                continue
            if isinstance(row, dict) and row.get("version") == _VERSION and isinstance(row.get("key"), str):
                found.append((row["key"], row.get("found")))
    return found, count
