"""ARPA files of n-gram models, plain or gzipped: reading, strictly. Knows the format and its errors.

    \\data\\
    ngram 1=3          how many n-grams of each order follow

    \\1-grams:
    -0.7<tab>word<tab>-0.3     log10 probability, the words, log10 back-off weight (0 where it is left out)

    \\end\\
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import numpy as np

from asr.errors import LanguageModelError
from asr.lm.blocks import Block, blocks
from asr.lm.kernels import arpa as kernel
from asr.lm.kernels.automaton import Automaton
from asr.lm.tables import Grams, MisplacedGram, Tables, automaton
from asr.lm.vocabulary import Vocabulary

_COUNT = re.compile(r"ngram\s+(\d{1,15})\s*=\s*(\d{1,15})")
_MEND = "expected {}; mend the line or estimate the model anew"
_WHOLE = "expected \\end\\ as the last line; the file may be cut short: fetch or write it anew"


def read_arpa(path: Path | str) -> tuple[Tables, Automaton]:
    """The n-grams of an ARPA file, as natural logarithms, and their automaton, which checking them needs.

    Raises LanguageModelError naming file and line.
    """
    cursor = _Cursor(path)
    counts = _header(cursor)
    vocabulary, orders, lines = Vocabulary(), [], []
    for k, count in enumerate(counts, 1):
        cursor.expect(f"\\{k}-grams:", f"{{}}; {_MEND.format('all orders in turn, no blank lines inside')}")
        lines.append(cursor.number + 1)
        orders.append(_section(cursor, k, len(counts), vocabulary))
        found = len(orders[-1].words)
        if found != count:
            what = f"{found} {k}-grams end here where \\data\\ promises {count}"
            cursor.fail(f"{what}; {_MEND.format('the promised number')}", cursor.number + 1)
    cursor.expect("\\end\\", f"{{}}; {_WHOLE}")
    tables = Tables(vocabulary.words(), tuple(orders))
    try:
        return tables, automaton(tables)
    except MisplacedGram as error:
        where = f"{path}:{lines[error.order - 1] + error.row}"
        raise LanguageModelError(f"{where}: {_misplaced(error, tables)}") from None


class _Cursor:
    """A place in a file of lines: `number` is the last line read, from 1."""

    def __init__(self, path: Path | str) -> None:
        self.path, self.number = path, 0
        self._blocks: Iterator[Block] = blocks(path)
        self.data, self.at = np.empty(0, np.uint8), 0

    def fill(self) -> bool:
        """Make sure that a line lies ahead; False at the end of the file."""
        while self.at >= len(self.data):
            block = next(self._blocks, None)
            if block is None:
                return False
            self.data, self.at = block.data, 0
        return True

    def peek(self) -> str | None:
        """The next line that is not blank, which stays the next; None at the end of the file."""
        while self.fill():
            end = self.at + int((self.data[self.at :] == 10).argmax())
            text = self.data[self.at : end].tobytes().decode().strip()
            if text:
                return text
            self.at, self.number = end + 1, self.number + 1
        return None

    def line(self) -> str | None:
        """The next line that is not blank; None at the end of the file."""
        text = self.peek()
        if text is not None:
            self.at += int((self.data[self.at :] == 10).argmax()) + 1
            self.number += 1
        return text

    def expect(self, wanted: str, complaint: str) -> None:
        """Read past `wanted`; raises LanguageModelError with the complaint about what stands there instead."""
        found = self.line()
        if found != wanted:
            what = "the file ends" if found is None else f"{found[:80]!r}"
            self.fail(complaint.format(f"{what} where {wanted} is due"))

    def fail(self, message: str, number: int | None = None) -> NoReturn:
        raise LanguageModelError(f"{self.path}:{self.number if number is None else number}: {message}")


def _header(cursor: _Cursor) -> list[int]:
    """The number of n-grams of each order. Leaves the cursor before the first section."""
    cursor.expect("\\data\\", "{}; expected an ARPA file; build one with `asr lm build`")
    counts: list[int] = []
    while not (cursor.peek() or "\\").startswith("\\"):
        text = str(cursor.line())
        match = _COUNT.fullmatch(text)
        if match is None or int(match[1]) != len(counts) + 1:
            cursor.fail(f"{text[:80]!r}; {_MEND.format(f'ngram {len(counts) + 1}=COUNT')}")
        counts.append(int(match[2]))
    if not counts:
        cursor.fail(f"no counts of n-grams; {_MEND.format('ngram 1=COUNT')}")
    return counts


def _section(cursor: _Cursor, k: int, order: int, vocabulary: Vocabulary) -> Grams:
    """The n-grams up to a blank line or the next section."""
    parts: list[Grams] = []
    code = kernel.DONE
    while code in (kernel.DONE, kernel.GROW) and cursor.fill():
        room = (len(cursor.data) - cursor.at) // (2 * k + 2) + 1  # the shortest line: 0, a tab, k words of one letter
        grams = Grams(np.empty((room, k), np.int32), np.empty(room), np.empty(room))
        at, n, code = kernel.parse_grams(cursor.data, cursor.at, *vocabulary.table, k == order, *grams)
        cursor.at, cursor.number = at, cursor.number + n
        parts.append(Grams(*(array[:n].copy() for array in grams)))
        if code == kernel.GROW:
            vocabulary.grow(len(cursor.data))
        elif code not in (kernel.DONE, kernel.SECTION_ENDS):
            number, text = cursor.number + 1, cursor.line() or ""
            cursor.fail(f"{_complaint(code, text.split(), k, order, vocabulary)}", number)
    return Grams(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True))) if parts else _none(k)


def _none(k: int) -> Grams:
    return Grams(np.empty((0, k), np.int32), np.empty(0), np.empty(0))


def _complaint(code: int, fields: list[str], k: int, order: int, vocabulary: Vocabulary) -> str:
    """What is wrong with a line of n-grams."""
    if code == kernel.FIELDS:
        most = k + 1 if k == order else k + 2
        wanted = f"{k + 1}" if k == order else f"{k + 1} or {most}"
        return f"{len(fields)} fields; " + _MEND.format(f"{wanted}: a probability, {k} words and a back-off weight")
    if code == kernel.NUMBER:
        bad = next((f for f in (fields[0], fields[-1]) if not _is_number(f)), fields[0])
        return f"{bad!r} is no number; " + _MEND.format("log10 probabilities and weights")
    if code == kernel.POSITIVE:
        return f"log10 probability {fields[0]} is above 0; " + _MEND.format("at most 0, that is probability 1")
    if code == kernel.TWICE:
        return f"the word {fields[1]!r} stands twice; " + _MEND.format("each word once among the 1-grams")
    known = set(vocabulary.words())
    word = next((f for f in fields[1 : k + 1] if f not in known), "")
    return f"the word {word!r} is not among the 1-grams; " + _MEND.format("only words that are")


def _is_number(text: str) -> bool:
    try:
        return float(text) < np.inf
    except ValueError:
        return False


def _misplaced(error: MisplacedGram, tables: Tables) -> str:
    gram = [tables.words[i] for i in tables.orders[error.order - 1].words[error.row]]
    if error.twice:
        return f"{' '.join(gram)!r} stands twice; " + _MEND.format("each n-gram once")
    context = " ".join(gram[:-1])
    return f"{' '.join(gram)!r} has no context: {context!r} is not in the model; " + _MEND.format("it before")
