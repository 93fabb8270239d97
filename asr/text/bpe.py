"""One token a piece of a word: units of SentencePiece, byte pairs (Sennrich 2016) or unigrams (Kudo 2018).

The only door to sentencepiece, which is imported where a piece model is trained or applied.
"""

import base64
import io
from collections.abc import Iterable, Sequence
from typing import Any, Literal

from asr.errors import ConfigError, VocabularyError
from asr.text.characters import BLANK_TOKEN, character_name
from asr.text.stretches import stretches

PieceKind = Literal["bpe", "unigram"]

_SPACE = "▁"  # begins the piece that begins a word
# Texts are normalised already, and every character of them is a piece
_SETTINGS: dict[str, Any] = {
    "character_coverage": 1.0, "normalization_rule_name": "identity", "remove_extra_whitespaces": False,
    "unk_id": 0, "bos_id": -1, "eos_id": -1, "pad_id": -1, "byte_fallback": False,
    "num_threads": 1, "shuffle_input_sentence": False, "input_sentence_size": 0,  # the same model every time
    "hard_vocab_limit": False,  # few texts have few pieces: the size is then the most there are
    "max_sentence_length": 2**30, "minloglevel": 2,  # longer sentences are left out in silence
}  # fmt: skip


def train_pieces(texts: Iterable[str], kind: PieceKind, size: int) -> bytes:
    """The serialised SentencePiece model of at most `size` tokens, blank included; the same texts give the same bytes.

    Raises ConfigError: no text, or a size that has no room for every character.
    """
    from sentencepiece import SentencePieceTrainer

    texts = [text for text in texts if text]
    characters = set("".join(texts).replace(" ", _SPACE)) | {_SPACE}
    if not texts:
        raise ConfigError("tokenizer: no text to learn pieces from; expected transcripts; check the manifest")
    if size <= len(characters):
        raise ConfigError(
            f"tokenizer: {size} tokens; expected at least {len(characters) + 1}, a blank and every character; "
            "raise text.vocabulary_size (--size)"
        )
    written = io.BytesIO()
    try:
        SentencePieceTrainer.train(
            sentence_iterator=iter(texts), model_writer=written, model_type=kind, vocab_size=size, **_SETTINGS
        )
    except RuntimeError as error:
        raise ConfigError(
            f"tokenizer: sentencepiece cannot learn {size} {kind} pieces ({str(error).splitlines()[0]}); "
            "expected transcripts; check the texts and text.vocabulary_size"
        ) from None
    return written.getvalue()


class PieceTokenizer:
    """Pieces as ids; id 0 is the CTC blank, then the model's pieces in its order. A word begins with a piece `▁…`.

    Fits interfaces.Tokenizer. What the model calls unknown has no id: it is an error.
    """

    def __init__(self, model: bytes, kind: PieceKind = "bpe", where: str = "tokenizer") -> None:
        """`model` is a serialised SentencePiece model. Raises VocabularyError, which says `where`, if it is none."""
        from sentencepiece import SentencePieceProcessor

        self.kind, self._model = kind, model
        try:
            self._processor = SentencePieceProcessor(model_proto=model or b"none")  # no bytes would be no error
        except RuntimeError:
            raise VocabularyError(
                f"{where}: not a SentencePiece model; expected what `asr tokenizer train` writes; train it again"
            ) from None
        processor = self._processor
        special = (processor.is_unknown, processor.is_control, processor.is_unused, processor.is_byte)
        pieces = [i for i in range(processor.get_piece_size()) if not any(is_so(i) for is_so in special)]
        self._tokens = (BLANK_TOKEN, *(processor.id_to_piece(i) for i in pieces))
        self._ids = {piece: i for i, piece in enumerate(pieces, 1)}  # theirs → ours
        self.characters = {" "} | {token for token in self._tokens if len(token) == 1 and token != _SPACE}
        self._starting = {i for i, token in enumerate(self._tokens) if i and token.startswith(_SPACE)}

    @classmethod
    def build(cls, texts: Iterable[str], kind: PieceKind, size: int) -> "PieceTokenizer":
        """The tokenizer that `train_pieces` learns from `texts`."""
        return cls(train_pieces(texts, kind, size), kind)

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> "PieceTokenizer":
        """The tokenizer whose `state()` this is."""
        return cls(base64.b64decode(state["model"]), state["kind"])

    @property
    def tokens(self) -> tuple[str, ...]:
        """The V symbols by id, blank first; `▁` stands for the space before a word."""
        return self._tokens

    def encode(self, text: str) -> list[int]:
        """The ids of the likeliest pieces. Raises VocabularyError naming the first character that has none."""
        for character in text:
            if character not in self.characters:
                raise VocabularyError(
                    f"{character!r} ({character_name(character)}) is not in the vocabulary ({len(self._tokens)} pieces "
                    f"of {len(self.characters)} characters); add it to text.replace, or put an utterance with it into "
                    "the texts the tokenizer is trained on"
                )
        ids = [self._ids.get(i, 0) for i in self._processor.encode(text)]
        if 0 in ids or self.decode(ids) != text:
            raise VocabularyError(
                f"{text!r} is not what its pieces spell; expected a model that changes no text; "
                "train it with `asr tokenizer train`"
            )
        return ids

    def decode(self, ids: Sequence[int]) -> str:
        """The text of `ids`. Raises VocabularyError for the blank or an id outside the vocabulary."""
        for i in ids:
            if not 0 < i < len(self._tokens):
                raise VocabularyError(
                    f"id {i} is no piece; expected 1 to {len(self._tokens) - 1}; collapse the path before decoding"
                )
        return "".join(self._tokens[i] for i in ids).replace(_SPACE, " ").removeprefix(" ")

    def words(self, ids: Sequence[int]) -> list[tuple[int, int]]:
        """The words of `ids` as stretches [start, end): each begins at a piece `▁…`."""
        return stretches(ids, between=(), starting=self._starting)

    def state(self) -> dict[str, Any]:
        """Plain data from which `tokenizer_from_state` builds this tokenizer again; holds the whole model."""
        model = base64.b64encode(self._model).decode("ascii")
        return {"kind": self.kind, "tokens": list(self._tokens), "model": model}
