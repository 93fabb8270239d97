"""The seams of the program. A class fits a seam by having these members; nothing inherits from here."""

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

from torch import Tensor

from asr.types import Hypothesis


@runtime_checkable
class Tokenizer(Protocol):
    """Strings as ids and back. Id 0 is the CTC blank and is never part of an encoding."""

    @property
    def tokens(self) -> tuple[str, ...]:
        """The V symbols by id; tokens[0] is the blank."""

    def encode(self, text: str) -> list[int]:
        """The ids of `text`. Raises VocabularyError naming the first character or word that has none."""

    def decode(self, ids: Sequence[int]) -> str:
        """The text of `ids`; decode(encode(text)) == text, up to homophones where tokens are sounds."""

    def words(self, ids: Sequence[int]) -> list[tuple[int, int]]:
        """The words of `ids` as stretches [start, end), each of which `decode` writes as one word, in order."""

    def state(self) -> dict[str, Any]:
        """Plain data from which `asr.text.tokenizer_from_state` builds the same tokenizer."""


@runtime_checkable
class PhoneticTokenizer(Tokenizer, Protocol):
    """A tokenizer whose tokens are sounds: words are found in a lexicon, not spelt by the tokens."""

    @property
    def vocabulary(self) -> tuple[str, ...]:
        """The words of the lexicon, in its order."""

    @property
    def boundary(self) -> int | None:
        """The id of the token between words, None where nothing stands between them."""

    def spell(self, word: str) -> tuple[tuple[int, ...], ...]:
        """The ids of each pronunciation of a word, the usual one first. Raises VocabularyError for an unknown word."""


@runtime_checkable
class AcousticModel(Protocol):
    """Features to logits, lengths always beside their tensor."""

    @property
    def subsampling(self) -> int:
        """Input frames to one output frame."""

    def output_lengths(self, lengths: Tensor) -> Tensor:
        """(B,) input frames → (B,) output frames, exact integers."""

    def __call__(self, features: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """(B, T, F), (B,) → logits (B, T', V), (B,)."""


@runtime_checkable
class Decoder(Protocol):
    """Emissions to hypotheses."""

    def __call__(self, log_probs: Tensor, lengths: Tensor) -> list[list[Hypothesis]]:
        """(B, T, V) log_probs, (B,) → an N-best list each, best first; what padding holds has no effect."""
