"""Texts as streams of word ids: a line is a sentence. Knows what a word is; does not count.

`units` says what the model's words are. `words`: what stands between ASCII white space. `characters`: every Unicode
character, and the token `|` for white space between words; none of it at either end of a line. A decoder that uses
such a model must speak the same way.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from asr.errors import LanguageModelError
from asr.lm.blocks import blocks
from asr.lm.kernels import text as kernel
from asr.lm.tables import BEGIN, END, UNKNOWN
from asr.lm.vocabulary import Vocabulary

SPACE = "|"
UNITS = ("words", "chars")


def read_ids(paths: Iterable[Path], vocabulary: Vocabulary, units: str, closed: bool) -> Iterator[np.ndarray]:
    """The sentences of texts as ids, int32, </s> behind each; new words are added unless the vocabulary is `closed`.

    Raises LanguageModelError naming file and line for a text that cannot be read or holds a reserved word.
    """
    split = kernel.split_words if units == "words" else kernel.split_characters
    for path in paths:
        for data, line in blocks(path):
            at, ids = 0, np.empty(len(data), np.int32)
            while at < len(data):
                at, n, code = split(data, at, *vocabulary.table, closed, ids)
                yield ids[:n].copy()
                if code == kernel.GROW:
                    vocabulary.grow(len(data))
                elif code == kernel.RESERVED:
                    raise LanguageModelError(_reserved(f"{path}:{line + int((data[:at] == 10).sum())}", units))


def _reserved(where: str, units: str) -> str:
    if units == "words":
        return f"{where}: {BEGIN}, {END} or {UNKNOWN} as a word; expected text without them; remove it"
    return f"{where}: {SPACE!r}, which stands for the space; expected text without it; remove it"


def new_vocabulary() -> Vocabulary:
    """The words every model has: <unk>, <s>, </s>."""
    return Vocabulary([UNKNOWN, BEGIN, END])


def read_vocabulary(path: Path, units: str) -> Vocabulary:
    """The vocabulary of a file of words between white space, or of its single characters and the space.

    Raises LanguageModelError where the file cannot be read or has no word.
    """
    vocabulary = new_vocabulary()
    if units == "chars":
        vocabulary.add([SPACE])
    before = len(vocabulary)
    for data, _ in blocks(path):
        vocabulary.add(word for word in data.tobytes().decode().split() if units == "words" or len(word) == 1)
    if len(vocabulary) == before:
        raise LanguageModelError(f"{path}: no words; expected words between white space; give another --vocab")
    return vocabulary
