"""Files that are either whole or not there: written beside their place and renamed into it."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole(path: Path | str) -> Iterator[Path]:
    """A scratch path beside `path`: renamed to `path` when the block ends well, removed when it does not.

    The bytes are flushed to disk before the rename, so a crash leaves the old file or the new one, never a part.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir():  # found out only by the rename, which names the scratch file
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    scratch = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        yield scratch
        with scratch.open("rb") as f:
            os.fsync(f.fileno())
        scratch.replace(path)
    finally:
        scratch.unlink(missing_ok=True)


def write_text(path: Path | str, text: str) -> None:
    """Write UTF-8 text so that `path` holds all of it or what it held before."""
    with whole(path) as scratch:
        scratch.write_text(text, encoding="utf-8")
