"""The verbs that make what spells a text: piece models and pronunciation lexicons."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from asr.errors import ConfigError

if TYPE_CHECKING:
    from asr.text.normalize import Normalizer

tokenizer = typer.Typer(no_args_is_help=True, help="Make the units of a model.")

Texts = Annotated[list[Path], typer.Argument(help="manifests (.jsonl) or text files")]
Normalised = Annotated[
    Path | None, typer.Option(help="the training configuration whose text options normalise the texts")
]


@tokenizer.callback()
def verbs() -> None:
    """Make the units of a model."""


@tokenizer.command()
def train(
    texts: Texts,
    out: Annotated[Path, typer.Option("--out", help="the model to write, such as bpe.model")],
    kind: Annotated[str, typer.Option(help="bpe or unigram")] = "bpe",
    size: Annotated[int, typer.Option(help="tokens at most, blank included")] = 500,
    config: Normalised = None,
) -> None:
    """Learn the pieces of words from texts → a SentencePiece model for text.tokenizer_model."""
    if kind not in ("bpe", "unigram"):
        raise ConfigError(f"--kind {kind}: is unknown; expected bpe or unigram; choose one")
    from asr.data.texts import read_texts
    from asr.files import whole
    from asr.text.bpe import PieceTokenizer, train_pieces

    normalize = _normalizer(config)
    read = [normalize(text) for text in read_texts(texts)]
    model = train_pieces(read, "bpe" if kind == "bpe" else "unigram", size)
    with whole(out) as scratch:
        scratch.write_bytes(model)
    print(f"{out}: {len(PieceTokenizer(model).tokens)} tokens from {len(read)} texts ({normalize.describe()})")
    print(f"train with it: text.tokenizer={kind} text.tokenizer_model={out}")


def lexicon(
    words: Texts,
    out: Annotated[Path, typer.Option("--out", help="the lexicon to write")],
    base: Annotated[Path | None, typer.Option(help="a CMUdict lexicon whose entries are kept")] = None,
    language: Annotated[str, typer.Option(help="the eSpeak NG voice that says unknown words")] = "en-us",
    phones: Annotated[str | None, typer.Option(help="arpabet or ipa; English has arpabet, others ipa")] = None,
    only: Annotated[bool, typer.Option("--only", help="leave out entries of --base for words not in WORDS")] = False,
    config: Normalised = None,
) -> None:
    """Make a pronunciation lexicon of the words in texts: entries of --base, and what eSpeak NG says of the others."""
    if phones not in (None, "arpabet", "ipa"):
        raise ConfigError(f"--phones {phones}: is unknown; expected arpabet or ipa; choose one")
    from asr.corpora.pronounce import extend
    from asr.data.texts import read_texts
    from asr.text.lexicon import Lexicon, read_lexicon, write_lexicon

    normalize = _normalizer(config)
    wanted = dict.fromkeys(word for text in read_texts(words) for word in normalize(text).split())
    known = read_lexicon(base, normalize) if base is not None else Lexicon({})
    if only:
        known = Lexicon({word: known.pronunciations[word] for word in wanted if word in known})
    found, failed = extend(known, wanted, language, phones)  # type: ignore[arg-type]  # checked above
    if not len(found):
        raise ConfigError(f"{words[0]}: holds no word; expected manifests or texts with some; check the paths")
    write_lexicon(out, found)
    print(f"{out}: {len(found)} words, {len(found) - len(known)} of them said by eSpeak NG, {len(found.phones)} phones")
    for error in failed:
        print(f"error: {error}", file=sys.stderr)
    if failed:
        raise SystemExit(2)


def _normalizer(config: Path | None) -> "Normalizer":
    from asr.config import read_config
    from asr.text.normalize import Normalizer

    return Normalizer(None if config is None else read_config(config).text)
