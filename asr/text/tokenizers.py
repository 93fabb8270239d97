"""Which tokenizers there are, and how a saved one comes back. A new kind is one line of the table."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from asr.errors import VocabularyError

if TYPE_CHECKING:  # interfaces brings torch
    from asr.interfaces import Tokenizer


def tokenizer_from_state(state: dict[str, Any]) -> "Tokenizer":
    """The tokenizer whose `state()` this is. Raises VocabularyError for a kind this version does not know."""
    kind = state.get("kind")
    if kind not in _KINDS:
        raise VocabularyError(
            f"tokenizer: kind {kind!r} is unknown; expected one of {', '.join(_KINDS)}; "
            "update the program or train again"
        )
    return _KINDS[kind](state)


def _characters(state: dict[str, Any]) -> "Tokenizer":
    from asr.text.characters import CharTokenizer

    return CharTokenizer(state["tokens"])


_KINDS: dict[str, Callable[[dict[str, Any]], "Tokenizer"]] = {"characters": _characters}
