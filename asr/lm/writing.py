"""ARPA files of n-gram models, plain or gzipped by their suffix: writing."""

import gzip
import io
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from asr.files import whole
from asr.lm.tables import Grams, Tables

_ROWS = 1 << 16  # n-grams made into text at once


def write_arpa(path: Path | str, tables: Tables) -> None:
    """Write the model, whole or not at all, as log10 with 8 digits; gzipped where the name ends in .gz."""
    with whole(path) as scratch, scratch.open("wb") as raw:
        if str(path).endswith(".gz"):
            # neither time nor name inside: the same model is the same bytes
            with gzip.GzipFile("", "wb", 6, raw, mtime=0) as f:
                _write(io.BufferedWriter(f), tables)
        else:
            _write(raw, tables)


def _write(f: io.BufferedWriter, tables: Tables) -> None:
    f.write(b"\\data\\\n")
    for k, grams in enumerate(tables.orders, 1):
        f.write(f"ngram {k}={len(grams.words)}\n".encode())
    for k, grams in enumerate(tables.orders, 1):
        f.write(f"\n\\{k}-grams:\n".encode())
        for text in _lines(tables.words, grams, k == len(tables.orders)):
            f.write(text.encode())
    f.write(b"\n\\end\\\n")
    f.flush()


def _lines(words: tuple[str, ...], grams: Grams, highest: bool) -> Iterator[str]:
    """The lines of one order's n-grams, many at a time; the highest order has no back-off weights."""
    for i in range(0, len(grams.words), _ROWS):
        block = Grams(*(array[i : i + _ROWS] for array in grams))
        texts = [" ".join([words[w] for w in row]) for row in block.words.tolist()]
        log_probs = (block.log_probs / math.log(10.0) + 0.0).tolist()  # + 0.0: no negative zero
        backoffs = (np.zeros(0) if highest else block.backoffs / math.log(10.0) + 0.0).tolist()
        if highest:
            yield "".join([f"{p:.8g}\t{text}\n" for p, text in zip(log_probs, texts, strict=True)])
        else:
            rows = zip(log_probs, texts, backoffs, strict=True)
            yield "".join([f"{p:.8g}\t{text}\t{b:.8g}\n" for p, text, b in rows])
