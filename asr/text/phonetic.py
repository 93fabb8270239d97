"""Words spelt in units of sound: what the tokenizers of phones and of triphones share.

A word's units follow from its pronunciation; a space, a token as any other, stands between words.
"""

from collections.abc import Sequence

from asr.errors import VocabularyError
from asr.text.characters import BLANK_TOKEN
from asr.text.lexicon import Lexicon, Phones
from asr.text.stretches import stretches

BOUNDARY_TOKEN = " "


class Phonetic:
    """Text as units of sound by a lexicon, and units back as words. Fits interfaces.PhoneticTokenizer with `state`.

    decode(encode(text)) == text up to homophones, of which the first in the lexicon is written. Phones that make no
    word are written `<k+ae+t>`, one word too where punctuation is removed from what is scored.
    """

    boundary = 1  # the id of the token between words

    def __init__(self, lexicon: Lexicon, units: Sequence[str], phones: Sequence[str]) -> None:
        """`units` are the tokens after blank and boundary, `phones` the phone of each. Raises VocabularyError."""
        self.lexicon = lexicon
        self._tokens = (BLANK_TOKEN, BOUNDARY_TOKEN, *units)
        self._phones = ("", "", *phones)
        if len(set(self._tokens)) != len(self._tokens):
            raise VocabularyError("tokens: a unit stands twice; expected it once; rename the lexicon's phones")
        self._known: dict[str, tuple[tuple[int, ...], ...]] = {}

    @property
    def tokens(self) -> tuple[str, ...]:
        """The V symbols by id: blank, boundary, units."""
        return self._tokens

    @property
    def vocabulary(self) -> tuple[str, ...]:
        """The words that can be spelt, in the order of the lexicon."""
        return tuple(self.lexicon.pronunciations)

    def spell(self, word: str) -> tuple[tuple[int, ...], ...]:
        """The ids of each pronunciation of `word`, the usual one first. Raises VocabularyError: not in the lexicon."""
        if word not in self._known:
            if word not in self.lexicon:
                raise VocabularyError(
                    f"{word!r} is not in the lexicon ({len(self.lexicon)} words); expected a pronunciation; "
                    "add it by hand, or let `asr lexicon` make one"
                )
            ways = self.lexicon.pronunciations[word]
            self._known[word] = tuple(dict.fromkeys(self._spelt(way) for way in ways))
        return self._known[word]

    def encode(self, text: str) -> list[int]:
        """The ids of each word's usual pronunciation, a boundary between. Raises VocabularyError: unknown word."""
        ids: list[int] = []
        for word in text.split():
            ids += [self.boundary, *self.spell(word)[0]] if ids else self.spell(word)[0]
        return ids

    def decode(self, ids: Sequence[int]) -> str:
        """The words of `ids`, separated by spaces. Raises VocabularyError for the blank or an id that is no token."""
        for i in ids:
            if not 0 < i < len(self._tokens):
                raise VocabularyError(
                    f"id {i} is no unit; expected 1 to {len(self._tokens) - 1}; collapse the path before decoding"
                )
        return " ".join(self._word(ids[start:end]) for start, end in self.words(ids))

    def words(self, ids: Sequence[int]) -> list[tuple[int, int]]:
        """The words of `ids` as stretches [start, end), without boundaries."""
        return stretches(ids, between=(self.boundary,))

    def _spelt(self, phones: Phones) -> tuple[int, ...]:
        """The ids of a pronunciation; what a kind of unit is, is said here."""
        raise NotImplementedError

    def _word(self, ids: Sequence[int]) -> str:
        phones = tuple(self._phones[i] for i in ids)
        return self.lexicon.words.get(phones) or f"<{'+'.join(phones)}>"
