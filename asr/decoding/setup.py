"""Options as a decoder: reads the language model and the lexicon, and says what does not fit the tokenizer."""

from collections.abc import Callable, Sequence
from pathlib import Path

from asr.decoding.beam import BeamDecoder
from asr.decoding.greedy import GreedyDecoder
from asr.decoding.options import DecodingOptions
from asr.decoding.units import Units, phonetic_units, text_units, token_id
from asr.errors import ConfigError, VocabularyError
from asr.interfaces import Decoder, PhoneticTokenizer, Tokenizer
from asr.lm.ngram import NGram

_SPECIAL = frozenset(("<s>", "</s>", "<unk>", "<UNK>"))


def decoder_for(options: DecodingOptions, tokenizer: Tokenizer) -> Decoder:
    """The decoder the options describe, for a model of these tokens.

    Raises ConfigError, LanguageModelError, VocabularyError: files that cannot be read or do not fit the tokenizer.
    """
    if options.kind == "greedy":
        return GreedyDecoder()
    units = units_of(tokenizer)
    lm = NGram.read(options.lm) if options.lm is not None else None
    return BeamDecoder(options, units, lm, _words(options, tokenizer, units, lm))


def units_of(tokenizer: Tokenizer) -> Units:
    """What the tokenizer's tokens spell words with."""
    if isinstance(tokenizer, PhoneticTokenizer):
        return phonetic_units(tokenizer.tokens, tokenizer.boundary, _pronounced(tokenizer))
    return text_units(tokenizer.tokens)


def _pronounced(tokenizer: PhoneticTokenizer) -> Callable[[str], tuple[tuple[int, ...], ...]]:
    def spell(word: str) -> tuple[tuple[int, ...], ...]:
        try:
            return tokenizer.spell(word)
        except VocabularyError:
            return ()

    return spell


def _words(
    options: DecodingOptions, tokenizer: Tokenizer, units: Units, lm: NGram | None
) -> Sequence[str] | None:  # fmt: skip
    """The words to search for; None where tokens are searched."""
    given = read_words(options.lexicon) if options.lexicon is not None else None
    if lm is not None and not counts_words(options, units, lm):
        if given is not None:
            raise ConfigError(
                f"decoding.lexicon: {options.lm} counts tokens; expected a language model of words beside a lexicon; "
                "drop one, or say decoding.lm_units=word"
            )
        return None
    if isinstance(tokenizer, PhoneticTokenizer):
        words = _with_pronunciations(given, tokenizer, options)
    elif given is None and lm is None:
        return None
    else:
        words = given if given is not None else [w for w in lm.words if w not in _SPECIAL]  # type: ignore[union-attr]
        _refuse_strangers(str(options.lexicon if given is not None else options.lm), words, units)
    _refuse_other_words(options, words, lm)
    return words if given is not None or lm is None else [word for word in words if word in lm.ids]


def counts_words(options: DecodingOptions, units: Units, lm: NGram) -> bool:
    """Whether the language model counts words: asked for, or it does not know most of the tokens by name."""
    if options.lm_units != "auto":
        if options.lm_units == "token" and not any(_knows(token, lm) for token in units.tokens[1:]):
            raise ConfigError(
                f"{options.lm}: {_strangers(lm.words, units)}; expected a language model of the model's tokens; "
                "build it with `asr lm build --units chars`, of transcripts written as in training"
            )
        return options.lm_units == "word"
    known = sum(_knows(token, lm) for token in units.tokens[1:])
    long = any(len(word) > 1 for word in lm.words if word not in _SPECIAL)
    return 2 * known < len(units.tokens) - 1 or (long and all(len(token) <= 1 for token in units.tokens[1:]))


def _knows(token: str, lm: NGram) -> bool:
    return token_id(token, lm) != lm.unknown


def read_words(path: Path) -> list[str]:
    """The words of a file, one a line. Raises ConfigError: no such file, none in it."""
    try:
        words = path.read_text(encoding="utf-8").split()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"decoding.lexicon: {path}: cannot be read ({error}); expected a word a line; check the file"
        ) from None
    if not words:
        raise ConfigError(f"decoding.lexicon: {path}: holds no word; expected one a line; check the file")
    return words


def _with_pronunciations(
    given: Sequence[str] | None, tokenizer: PhoneticTokenizer, options: DecodingOptions
) -> Sequence[str]:  # fmt: skip
    known = set(tokenizer.vocabulary)
    for word in given or ():
        if word not in known:
            raise VocabularyError(
                f"{options.lexicon}: {word!r} has no pronunciation in the model's lexicon ({len(known)} words); "
                "expected one; drop the word, or train with a lexicon that has it (`asr lexicon`)"
            )
    return given if given is not None else tokenizer.vocabulary


def _refuse_strangers(where: str, words: Sequence[str], units: Units) -> None:
    """Raises VocabularyError where the tokens spell none of the words."""
    if not any(units.spell(word) for word in words):
        raise VocabularyError(
            f"{where}: {_strangers(words, units)}; expected words as the model's transcripts write them; write it "
            "anew, in their case and alphabet"
        )


def _refuse_other_words(options: DecodingOptions, words: Sequence[str], lm: NGram | None) -> None:
    """Raises ConfigError where the language model knows none of the words: it would only ever say <unk>."""
    if lm is not None and not any(word in lm.ids for word in words):
        why = _other_case(lm.words, words, "lexicon") or f"knows none of the {len(words)} words of the lexicon"
        raise ConfigError(f"{options.lm}: {why}; expected a language model of these words; write one anew")


def _strangers(words: Sequence[str], units: Units) -> str:
    """Why the tokens spell none of the words: mostly their case."""
    different = _other_case(words, units.tokens[1:], "model")
    return different or f"shares no symbol with the model's {len(units.tokens)} tokens"


def _other_case(words: Sequence[str], others: Sequence[str], what: str) -> str | None:
    """The words of a language model and `others`, where their case is what they differ in."""
    ours, theirs = "".join(others), "".join(word for word in words if word not in _SPECIAL)
    cases = {"upper": str.upper, "lower": str.lower}
    for case, other in (("upper", "lower"), ("lower", "upper")):
        if theirs == cases[case](theirs) != cases[other](theirs) and ours == cases[other](ours) != cases[case](ours):
            return f"LM is {case} case, {what} is {other} case"
    return None
