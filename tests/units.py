"""A tokenizer of every kind for given texts, with a lexicon whose words are said as they are written."""

from collections.abc import Iterable
from pathlib import Path

from asr.interfaces import Tokenizer
from asr.text.lexicon import Lexicon, write_lexicon
from asr.text.normalize import TextOptions
from asr.text.tokenizers import build_tokenizer

KINDS = ("characters", "bpe", "unigram", "phoneme", "triphone")


def spelt_lexicon(texts: Iterable[str]) -> Lexicon:
    """Every word of `texts`, a phone a letter: no two words sound alike."""
    words = dict.fromkeys(word for text in texts for word in text.split())
    return Lexicon({word: [[f"p{ord(letter):X}" for letter in word]] for word in words})


def tokenizer_of(kind: str, texts: list[str], folder: Path) -> Tokenizer:
    """The tokenizer that `text.tokenizer: kind` builds from normalised `texts`; writes its lexicon into `folder`."""
    return build_tokenizer(text_options(kind, texts, folder), texts)


def text_options(kind: str, texts: list[str], folder: Path) -> TextOptions:
    """The options behind `tokenizer_of`."""
    if kind not in ("phoneme", "triphone"):
        return TextOptions(tokenizer=kind, vocabulary_size=300)  # type: ignore[arg-type]
    path = folder / "spelt.lexicon"
    write_lexicon(path, spelt_lexicon(texts))
    return TextOptions(tokenizer=kind, lexicon=path, triphone_count=2)  # type: ignore[arg-type]
