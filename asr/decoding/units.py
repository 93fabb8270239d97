"""Tokens as symbols: what a lexicon spells words with, and where words end.

Text units (characters, sentence pieces) spell words in characters, so every segmentation of a word is allowed; phonetic
units are symbols themselves, and a pronunciation dictionary says which words they are.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from asr.decoding.kernels.parts import FOREIGN, SEPARATOR, Spelling
from asr.lm.ngram import NGram

SPACE_IN_PIECES = "▁"  # how sentencepiece writes the space before a word
SPACE_IN_MODELS = "|"  # how a language model of characters writes it

Spellings = tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Units:
    """The symbols of each token, and the spellings of a word in symbols; () for a word they cannot spell."""

    tokens: tuple[str, ...]
    symbols: tuple[tuple[int, ...], ...]
    spell: Callable[[str], Spellings]
    count: int  # symbols, the separator with them
    phonetic: bool = False

    def spelling(self, lm: NGram | None = None) -> Spelling:
        """The arrays the search reads; `lm` is a token model."""
        begin = np.cumsum([0, *map(len, self.symbols)]).astype(np.int32)
        symbols = np.array([s for token in self.symbols for s in token] or [FOREIGN], np.int32)
        separators = np.array([token.count(SEPARATOR) for token in self.symbols], np.int32)
        word = np.array([token_id(t, lm) if lm is not None else 0 for t in self.tokens], np.int32)
        return Spelling(begin, symbols, separators, word)


def token_id(token: str, lm: NGram) -> int:
    """A token's id in a language model of tokens: as it is, or with the space written as such models do."""
    for written in (token, token.replace(" ", SPACE_IN_MODELS)):
        if written in lm.ids:
            return lm.ids[written]
    return lm.unknown


def text_units(tokens: Sequence[str], blank: int = 0) -> Units:
    """Units whose tokens are text: a space, or ▁ in front of a piece, separates words."""
    texts = ["" if i == blank else token.replace(SPACE_IN_PIECES, " ") for i, token in enumerate(tokens)]
    letters = {c: i for i, c in enumerate(sorted(set("".join(texts)) - {" "}), SEPARATOR + 1)}
    symbol = letters | {" ": SEPARATOR}

    def spell(word: str) -> Spellings:
        spelt = tuple(letters.get(c, FOREIGN) for c in word)
        return (spelt,) if spelt and FOREIGN not in spelt else ()

    return Units(tuple(tokens), tuple(tuple(symbol[c] for c in t) for t in texts), spell, len(letters) + 1)


def phonetic_units(
    tokens: Sequence[str], boundary: int | None, spell: Callable[[str], Spellings], blank: int = 0
) -> Units:
    """Units whose tokens are phones: `spell` gives a word's pronunciations as token ids, `boundary` separates words."""
    symbols = [() if i == blank else (SEPARATOR,) if i == boundary else (i,) for i in range(len(tokens))]
    return Units(tuple(tokens), tuple(symbols), spell, len(tokens), phonetic=True)
