"""Every kind of tokenizer as the options build it, and what is said of files that are no use."""

import json
from pathlib import Path

import pytest
from units import KINDS, text_options, tokenizer_of

from asr.errors import VocabularyError
from asr.text.bpe import train_pieces
from asr.text.normalize import TextOptions
from asr.text.tokenizers import build_tokenizer, tokenizer_from_state

TEXTS = ["ab cd", "cd da", "ab"]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_built_and_comes_back(kind: str, tmp_path: Path) -> None:
    tokenizer = tokenizer_of(kind, TEXTS, tmp_path)
    again = tokenizer_from_state(json.loads(json.dumps(tokenizer.state())))
    assert tokenizer.state()["kind"] == kind and type(again) is type(tokenizer)
    for text in TEXTS:
        assert again.encode(text) == tokenizer.encode(text) and again.decode(again.encode(text)) == text


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_of_the_disk_is_needed_again(kind: str, tmp_path: Path) -> None:
    state = tokenizer_of(kind, TEXTS, tmp_path).state()
    assert str(tmp_path) not in json.dumps(state)
    for file in tmp_path.iterdir():
        file.unlink()
    assert tokenizer_from_state(state).decode(tokenizer_from_state(state).encode("da ab")) == "da ab"


def test_a_piece_model_of_a_file(tmp_path: Path) -> None:
    """It is used as it is: what the training texts hold does not matter."""
    path = tmp_path / "u.model"
    path.write_bytes(train_pieces(["xy yz"], "unigram", 30))
    tokenizer = build_tokenizer(TextOptions(tokenizer="unigram", tokenizer_model=path), TEXTS)
    assert tokenizer.decode(tokenizer.encode("zx y")) == "zx y"
    with pytest.raises(VocabularyError, match="'a'"):
        tokenizer.encode("ab")


def test_piece_models_that_cannot_be_used(tmp_path: Path) -> None:
    path = tmp_path / "b.model"
    options = TextOptions(tokenizer="bpe", tokenizer_model=path)
    with pytest.raises(VocabularyError, match=r"b\.model: cannot be read \(No such file.*; mend text\.tokenizer_model"):
        build_tokenizer(options, TEXTS)
    path.write_text("ab")
    with pytest.raises(VocabularyError, match=r"b\.model: not a SentencePiece model"):
        build_tokenizer(options, TEXTS)


def test_lexicon_words_are_normalised_as_the_texts(tmp_path: Path) -> None:
    path = tmp_path / "l.txt"
    path.write_text("CAFÉ  K AE1\nÀ  AA0\n", encoding="utf-8")
    options = TextOptions(tokenizer="phoneme", lexicon=path, replace={"é": "e"})
    tokenizer = build_tokenizer(options, [])
    assert tokenizer.decode(tokenizer.encode("cafe à")) == "cafe à"


def test_words_without_a_pronunciation_do_not_stop_the_counting(tmp_path: Path) -> None:
    """Who asks for them is told of them, by utterance."""
    options = text_options("triphone", TEXTS, tmp_path)
    assert build_tokenizer(options, [*TEXTS, "zz ab"]).tokens == build_tokenizer(options, [*TEXTS, "ab"]).tokens
