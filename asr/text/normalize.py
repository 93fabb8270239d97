"""Transcripts as they are compared and learned: one spelling for everything that sounds the same.

Knows Unicode, case, punctuation and the user's own replacements. Does not spell out numbers or abbreviations,
and does not know which characters a model has: that is the tokenizer's word.
"""

import re
import unicodedata
from functools import lru_cache
from typing import Literal

from pydantic import Field, field_validator, model_validator

from asr.options import Options, PathOption

# Settled before NFKC, which makes of ´ a space and an accent
_APOSTROPHES = str.maketrans(dict.fromkeys("’‘ʼ´`′＇", "'"))
_INVISIBLE = str.maketrans(dict.fromkeys("\u00ad\u200b\u2060\ufeff"))  # soft hyphen, zero widths, BOM
_SPOKEN = frozenset("%&@#§‰")  # punctuation to Unicode, words to a reader: left for text.replace or an error
_LOOSE_APOSTROPHE = re.compile(r"(?<![^\W_])'|'(?![^\W_])")
_MOST_PASSES = 8  # two settle all but contrived replacements


class TextOptions(Options):
    """How transcripts are written before they are learned or scored, and which units spell them."""

    unicode: Literal["NFKC", "NFC", "none"] = "NFKC"
    case: Literal["lower", "upper", "keep"] = "lower"
    punctuation: Literal["remove", "keep"] = "remove"  # apostrophes inside words stay either way
    replace: dict[str, str] = Field(default_factory=dict)  # e.g. {"&": " and ", "é": "e"}
    tokenizer: Literal["characters", "bpe", "unigram", "phoneme", "triphone"] = "characters"
    vocabulary_size: int = Field(500, ge=2)  # bpe, unigram: tokens at most, blank included
    tokenizer_model: PathOption | None = None  # bpe, unigram: of `asr tokenizer train`; else learned from the training
    lexicon: PathOption | None = None  # phoneme, triphone: pronunciations in the format of CMUdict
    triphone_count: int = Field(50, ge=1)  # triphone: occurrences in training that make a unit; rarer ones are tied

    @field_validator("replace")
    @classmethod
    def _not_empty(cls, replace: dict[str, str]) -> dict[str, str]:
        if "" in replace:
            raise ValueError("the empty string cannot be replaced; expected a character; remove that key")
        return replace

    @model_validator(mode="after")
    def _has_lexicon(self) -> "TextOptions":
        if self.tokenizer in ("phoneme", "triphone") and self.lexicon is None:
            raise ValueError(
                f"tokenizer {self.tokenizer} has no lexicon; expected text.lexicon=FILE in the format of CMUdict; "
                "`asr lexicon` makes one"
            )
        return self


UNIT_OPTIONS = ("tokenizer", "vocabulary_size", "tokenizer_model", "lexicon", "triphone_count")  # fixed by training


class Normalizer:
    """Text → text, idempotent: apostrophes, Unicode form, case, replacements, punctuation, white space.

    Punctuation becomes a space, so `well-known` is two words. Final sigma and ß stay (ẞ in upper case).
    Keys of `replace` match text whose Unicode form and case are settled already, the longest key first.
    """

    def __init__(self, options: TextOptions | None = None) -> None:
        self.options = options or TextOptions()
        self._replace = {self._letters(k): self._letters(v) for k, v in self.options.replace.items()}
        longest_first = sorted(self._replace, key=len, reverse=True)
        self._keys = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None

    def __call__(self, text: str) -> str:
        """The normalised text; Normalizer(Normalizer(text)) == Normalizer(text)."""
        for _ in range(_MOST_PASSES):  # what one rule leaves may be food for another
            before, text = text, self._once(text)
            if text == before:
                break
        return text

    def describe(self) -> str:
        """One line to print beside a word error rate."""
        options = self.options
        parts = [
            options.unicode if options.unicode != "none" else "Unicode as it is",
            "case kept" if options.case == "keep" else f"{options.case} case",
            "punctuation removed" if options.punctuation == "remove" else "punctuation kept",
        ]
        if options.replace:
            parts.append("replaced " + " ".join(f"{k!r}→{v!r}" for k, v in options.replace.items()))
        return ", ".join(parts)

    def _once(self, text: str) -> str:
        text = self._letters(text)
        if self._keys:
            text = self._keys.sub(lambda match: self._replace[match.group()], text)
        if self.options.punctuation == "remove":
            text = _LOOSE_APOSTROPHE.sub(" ", "".join(map(_without_punctuation, text)))
        return " ".join(text.split())

    def _letters(self, text: str) -> str:
        """`text` with its apostrophes, Unicode form and case settled."""
        text = text.translate(_APOSTROPHES)
        if self.options.unicode != "none":
            text = unicodedata.normalize(self.options.unicode, text.translate(_INVISIBLE))
        if self.options.case == "lower":
            return text.lower()
        if self.options.case == "upper":
            return text.replace("ß", "ẞ").upper()
        return text


@lru_cache(maxsize=4096)
def _without_punctuation(character: str) -> str:
    spoken = character == "'" or character in _SPOKEN
    return " " if not spoken and unicodedata.category(character).startswith("P") else character
