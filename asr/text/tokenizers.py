"""Which tokenizers there are, how one is built, and how a saved one comes back. A new kind is a line of two tables."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from asr.errors import VocabularyError
from asr.text.normalize import Normalizer, TextOptions

if TYPE_CHECKING:  # interfaces brings torch
    from asr.interfaces import Tokenizer
    from asr.text.lexicon import Lexicon


def build_tokenizer(options: TextOptions, texts: Iterable[str]) -> "Tokenizer":
    """The tokenizer that the options describe, built from the normalised `texts` of training and the files they name.

    Raises VocabularyError for a lexicon or piece model that cannot be used, ConfigError for a size that cannot be.
    """
    return _BUILT[options.tokenizer](options, texts)


def tokenizer_from_state(state: dict[str, Any]) -> "Tokenizer":
    """The tokenizer whose `state()` this is. Raises VocabularyError for a kind this version does not know."""
    kind = state.get("kind")
    if kind not in _SAVED:
        raise VocabularyError(
            f"tokenizer: kind {kind!r} is unknown; expected one of {', '.join(_SAVED)}; "
            "update the program or train again"
        )
    return _SAVED[kind](state)


# ── built ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _characters(options: TextOptions, texts: Iterable[str]) -> "Tokenizer":
    from asr.text.characters import CharTokenizer

    return CharTokenizer.build(texts)


def _pieces(options: TextOptions, texts: Iterable[str]) -> "Tokenizer":
    from asr.text.bpe import PieceTokenizer

    assert options.tokenizer == "bpe" or options.tokenizer == "unigram"
    if options.tokenizer_model is None:
        return PieceTokenizer.build(texts, options.tokenizer, options.vocabulary_size)
    return PieceTokenizer(_read(options.tokenizer_model), options.tokenizer, str(options.tokenizer_model))


def _phoneme(options: TextOptions, texts: Iterable[str]) -> "Tokenizer":
    from asr.text.phonemes import PhonemeTokenizer

    return PhonemeTokenizer(_lexicon(options))


def _triphone(options: TextOptions, texts: Iterable[str]) -> "Tokenizer":
    from asr.text.triphones import TriphoneTokenizer

    return TriphoneTokenizer.build(_lexicon(options), texts, options.triphone_count)


def _lexicon(options: TextOptions) -> "Lexicon":
    from asr.text.lexicon import read_lexicon

    assert options.lexicon is not None  # the options see to it
    return read_lexicon(options.lexicon, Normalizer(options))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise VocabularyError(
            f"{path}: cannot be read ({error.strerror}); expected a model of `asr tokenizer train`; "
            "mend text.tokenizer_model, or drop it to learn one from the training texts"
        ) from None


_BUILT: dict[str, Callable[[TextOptions, Iterable[str]], "Tokenizer"]] = {
    "characters": _characters, "bpe": _pieces, "unigram": _pieces, "phoneme": _phoneme, "triphone": _triphone,
}  # fmt: skip


# ── saved ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _saved_characters(state: dict[str, Any]) -> "Tokenizer":
    from asr.text.characters import CharTokenizer

    return CharTokenizer(state["tokens"])


def _saved_pieces(state: dict[str, Any]) -> "Tokenizer":
    from asr.text.bpe import PieceTokenizer

    return PieceTokenizer.from_state(state)


def _saved_phoneme(state: dict[str, Any]) -> "Tokenizer":
    from asr.text.phonemes import PhonemeTokenizer

    return PhonemeTokenizer.from_state(state)


def _saved_triphone(state: dict[str, Any]) -> "Tokenizer":
    from asr.text.triphones import TriphoneTokenizer

    return TriphoneTokenizer.from_state(state)


_SAVED: dict[str, Callable[[dict[str, Any]], "Tokenizer"]] = {
    "characters": _saved_characters, "bpe": _saved_pieces, "unigram": _saved_pieces, "phoneme": _saved_phoneme,
    "triphone": _saved_triphone,
}  # fmt: skip
