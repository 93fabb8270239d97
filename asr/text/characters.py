"""One token a character: the tokenizer built from the transcripts themselves."""

import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

from asr.errors import VocabularyError
from asr.text.stretches import stretches

BLANK_TOKEN = "<blank>"


class CharTokenizer:
    """Characters as ids; id 0 is the CTC blank and the space is a token like any other.

    Fits interfaces.Tokenizer.
    """

    kind = "characters"

    def __init__(self, tokens: Sequence[str]) -> None:
        """`tokens` by id, `<blank>` first. Raises VocabularyError unless the rest are distinct characters."""
        self._tokens = tuple(tokens)
        if not self._tokens or self._tokens[0] != BLANK_TOKEN:
            raise VocabularyError(f"tokens: id 0 is not {BLANK_TOKEN}; expected it there; rebuild them")
        wrong = [token for token in self._tokens[1:] if not isinstance(token, str) or len(token) != 1]
        if wrong:
            raise VocabularyError(f"tokens: {wrong[0]!r} is no character; expected one; rebuild them")
        self._ids = {token: i for i, token in enumerate(self._tokens) if i}
        if len(self._ids) != len(self._tokens) - 1:
            raise VocabularyError("tokens: a character stands twice; expected it once; rebuild them")

    @classmethod
    def build(cls, texts: Iterable[str]) -> "CharTokenizer":
        """The tokenizer whose tokens are the distinct characters of `texts`, in code point order."""
        return cls([BLANK_TOKEN, *sorted(set().union(*texts))])

    @property
    def tokens(self) -> tuple[str, ...]:
        """The V symbols by id, blank first."""
        return self._tokens

    def encode(self, text: str) -> list[int]:
        """The id of every character. Raises VocabularyError naming the first that has none; drops nothing."""
        try:
            return [self._ids[character] for character in text]
        except KeyError as error:
            character = error.args[0]
            raise VocabularyError(
                f"{character!r} ({character_name(character)}) is not in the vocabulary ({len(self._tokens)} tokens); "
                "add it to text.replace, or put an utterance with it into the training manifest"
            ) from None

    def decode(self, ids: Sequence[int]) -> str:
        """The text of `ids`. Raises VocabularyError for the blank or an id outside the vocabulary."""
        for i in ids:
            if not 0 < i < len(self._tokens):
                raise VocabularyError(
                    f"id {i} is no character; expected 1 to {len(self._tokens) - 1}; collapse the path before decoding"
                )
        return "".join(self._tokens[i] for i in ids)

    def words(self, ids: Sequence[int]) -> list[tuple[int, int]]:
        """The words of `ids` as stretches [start, end), without spaces."""
        return stretches(ids, between=(self._ids.get(" ", -1),))

    def state(self) -> dict[str, Any]:
        """Plain data from which `tokenizer_from_state` builds this tokenizer again."""
        return {"kind": self.kind, "tokens": list(self._tokens)}


def character_name(character: str) -> str:
    """The code point and Unicode name, as an error shows a character that may have no shape."""
    return f"U+{ord(character):04X} {unicodedata.name(character, '')}".strip()
