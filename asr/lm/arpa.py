"""ARPA files of n-gram models, plain or gzipped. Knows the format and its errors."""

import gzip
import math
from pathlib import Path

import numpy as np

from asr.lm.tables import Grams, Tables

LN10 = math.log(10.0)


def read_arpa(path: Path | str) -> Tables:
    """The n-grams of an ARPA file, as natural logarithms."""
    path = Path(path)
    data = path.read_bytes()
    text = (gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data).decode()
    ids: dict[str, int] = {}
    orders = []
    for block in text.split("\n\\")[1:]:
        head, *lines = block.split("\n")
        if not head.endswith("-grams:"):
            continue
        k = int(head.removesuffix("-grams:"))
        rows = [line.split() for line in lines if line.strip()]
        if k == 1:
            ids = {row[1]: i for i, row in enumerate(rows)}
        words = np.array([[ids[w] for w in row[1 : k + 1]] for row in rows], np.int32).reshape(-1, k)
        log_probs = np.array([float(row[0]) for row in rows]) * LN10
        backoffs = np.array([float(row[k + 1]) if len(row) > k + 1 else 0.0 for row in rows]) * LN10
        orders.append(Grams(words, log_probs, backoffs))
    return Tables(tuple(ids), tuple(orders))
