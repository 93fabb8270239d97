"""Text files, plain or gzipped, in blocks of whole lines for compiled code. Knows nothing of what the lines say."""

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from asr.errors import LanguageModelError

_BYTES = 1 << 22


class Block(NamedTuple):
    """Whole lines: their bytes, uint8, the last of them a newline; and the number of the first, from 1."""

    data: np.ndarray
    line: int


def blocks(path: Path | str, size: int = _BYTES) -> Iterator[Block]:
    """The lines of a UTF-8 file, gunzipped where it is gzip, in blocks of about `size` bytes.

    Raises LanguageModelError for a file that is missing, cut short, damaged or not UTF-8.
    """
    line, rest, first = 1, b"", True
    for piece in _pieces(Path(path), size):
        if first:
            piece, first = piece.removeprefix(b"\xef\xbb\xbf"), False  # some editors put a byte order mark first
        cut = piece.rfind(b"\n") + 1
        if not cut:
            rest += piece
            continue
        whole, rest = rest + piece[:cut], piece[cut:]
        yield _block(whole, line, path)
        line += whole.count(b"\n")
    if rest:
        yield _block(rest + b"\n", line, path)


def _block(data: bytes, line: int, path: Path | str) -> Block:
    try:
        data.decode()
    except UnicodeDecodeError as error:
        line += data.count(b"\n", 0, error.start)
        raise LanguageModelError(f"{path}:{line}: not UTF-8 ({error.reason}); expected UTF-8; convert it") from None
    return Block(np.frombuffer(data, np.uint8), line)


def _pieces(path: Path, size: int) -> Iterator[bytes]:
    try:
        with path.open("rb") as raw:
            zipped = raw.read(2) == b"\x1f\x8b"
        with gzip.open(path) if zipped else path.open("rb") as f:
            while piece := f.read(size):
                yield piece
    except EOFError:
        raise LanguageModelError(f"{path}: the gzip data ends early; expected all of it; fetch the file anew") from None
    except FileNotFoundError:
        raise LanguageModelError(f"{path}: no such file; expected a text or .gz file; check the path") from None
    except (OSError, zlib.error) as error:
        raise LanguageModelError(f"{path}: cannot be read ({error}); expected a text or .gz file; check it") from None
