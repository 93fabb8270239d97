"""Piece tokenizers: what a text is cut into, that nothing is lost or unknown, and the same model every time."""

import hashlib
import io
import subprocess
import sys
from itertools import pairwise

import pytest
import sentencepiece
from hypothesis import given
from hypothesis import strategies as st

from asr.errors import ConfigError, VocabularyError
from asr.interfaces import PhoneticTokenizer, Tokenizer
from asr.text.bpe import PieceTokenizer, train_pieces
from asr.text.tokenizers import tokenizer_from_state

TEXTS = ["low lower lowest", "new newer newest", "don't wide", "wider widest low new", "é"] * 5
BOTH = pytest.mark.parametrize("kind", ["bpe", "unigram"])
TOKENIZERS = {kind: PieceTokenizer.build(TEXTS, kind, 60) for kind in ("bpe", "unigram")}  # type: ignore[arg-type]


def merges(words: dict[str, int], count: int) -> list[str]:
    """The pieces of Sennrich 2016, algorithm 1, by brute force; where pairs are equally frequent it may differ."""
    split = {word: tuple("▁" + word) for word in words}
    made = []
    for _ in range(count):
        pairs: dict[tuple[str, str], int] = {}
        for word, parts in split.items():
            for pair in pairwise(parts):
                pairs[pair] = pairs.get(pair, 0) + words[word]
        best = max(pairs, key=lambda pair: pairs[pair])
        assert sorted(pairs.values())[-2:].count(pairs[best]) == 1, "a tie: the oracle has no say"
        made.append("".join(best))
        for word, parts in split.items():
            merged: list[str] = []
            for part in parts:
                pair = bool(merged) and (merged[-1], part) == best
                merged = [*merged[:-1], merged[-1] + part] if pair else [*merged, part]
            split[word] = tuple(merged)
    return made


def test_byte_pairs_are_the_most_frequent_ones() -> None:
    """▁b (9) joins first, then its a (5 more than any), then a word of it."""
    words = {"ba": 7, "bac": 5, "d": 4, "be": 2}
    texts = [word for word, count in words.items() for _ in range(count)]
    wanted = merges(words, 3)
    tokens = PieceTokenizer.build(texts, "bpe", len(set("▁bacde")) + 1 + 3).tokens
    assert list(tokens[1:4]) == wanted == ["▁b", "▁ba", "▁bac"]


@BOTH
def test_fits_the_seam(kind: str) -> None:
    tokenizer = TOKENIZERS[kind]
    assert isinstance(tokenizer, Tokenizer) and not isinstance(tokenizer, PhoneticTokenizer)
    assert tokenizer.tokens[0] == "<blank>" and "<unk>" not in tokenizer.tokens
    assert len(set(tokenizer.tokens)) == len(tokenizer.tokens) <= 60
    assert tokenizer.encode("") == [] and tokenizer.decode([]) == ""


@BOTH
@given(text=st.lists(st.text("lowernwidst'é", max_size=6)).map(" ".join))
def test_nothing_is_lost(kind: str, text: str) -> None:
    tokenizer = TOKENIZERS[kind]
    ids = tokenizer.encode(text)
    assert tokenizer.decode(ids) == text and 0 not in ids
    found = [tokenizer.decode(ids[a:b]) for a, b in tokenizer.words(ids)]
    assert [word for word in found if word] == text.split()


@BOTH
def test_pieces_of_several_letters_are_used(kind: str) -> None:
    tokenizer = TOKENIZERS[kind]
    assert len(tokenizer.encode("lowest newest")) < len("lowest newest")
    assert tokenizer.words(tokenizer.encode("lowest newest low"))[-1][1] == len(tokenizer.encode("lowest newest low"))


@BOTH
def test_an_unknown_character_is_named_and_never_unk(kind: str) -> None:
    tokenizer = TOKENIZERS[kind]
    for text, name in (("low ß", "'ß' (U+00DF LATIN SMALL LETTER SHARP S)"), ("a▁b", "'a'"), ("lo▁w", "'▁' (U+2581")):
        with pytest.raises(VocabularyError) as caught:
            tokenizer.encode(text)
        assert str(caught.value).startswith(name) and "is not in the vocabulary" in str(caught.value)


@BOTH
@pytest.mark.parametrize("wrong", [0, -1, 999])
def test_decode_refuses_what_is_no_piece(kind: str, wrong: int) -> None:
    with pytest.raises(VocabularyError, match=rf"^id {wrong} is no piece; expected 1 to "):
        TOKENIZERS[kind].decode([wrong])


SAME = """
import hashlib, sys
from asr.text.bpe import train_pieces
texts = sys.argv[2].split("|")
print(hashlib.sha256(train_pieces(texts, sys.argv[1], 60)).hexdigest())
"""


@BOTH
def test_the_same_texts_give_the_same_bytes_in_another_process(kind: str) -> None:
    command = [sys.executable, "-c", SAME, kind, "|".join(TEXTS)]
    there = [subprocess.run(command, capture_output=True, text=True, check=True).stdout for _ in range(2)]
    here = hashlib.sha256(train_pieces(TEXTS, kind, 60)).hexdigest() + "\n"  # type: ignore[arg-type]
    assert there == [here, here]


@BOTH
def test_state_is_the_whole_tokenizer(kind: str) -> None:
    tokenizer = TOKENIZERS[kind]
    again = tokenizer_from_state(tokenizer.state())
    assert again.tokens == tokenizer.tokens and again.state() == tokenizer.state() and again.kind == kind
    assert [again.encode(text) for text in TEXTS] == [tokenizer.encode(text) for text in TEXTS]


@BOTH
def test_sizes(kind: str) -> None:
    """A size is the most there are; one that has no room for every character is refused with the least there may be."""
    characters = len(set("".join(TEXTS)))  # the space among them, as ▁
    for size in (characters + 1, characters + 5):
        assert len(PieceTokenizer.build(TEXTS, kind, size).tokens) == size
    assert len(PieceTokenizer.build(TEXTS, kind, 5000).tokens) < 200
    with pytest.raises(ConfigError, match=rf"{characters} tokens; expected at least {characters + 1}, .*--size"):
        PieceTokenizer.build(TEXTS, kind, characters)


@BOTH
def test_sentences_of_any_length_count(kind: str) -> None:
    """sentencepiece leaves out long ones without a word unless told."""
    tokenizer = PieceTokenizer.build(["xy " * 3000 + "q"], kind, 30)
    assert {"q", "x", "y"} <= tokenizer.characters


@BOTH
def test_characters_that_sentencepiece_keeps_for_itself_are_unknown(kind: str) -> None:
    tokenizer = PieceTokenizer.build(["a▁b a\0c"], kind, 60)  # type: ignore[arg-type]
    for character in "▁\0":
        with pytest.raises(VocabularyError, match=r"is not in the vocabulary"):
            tokenizer.encode(f"a{character}b")


def test_no_texts() -> None:
    with pytest.raises(ConfigError, match="no text to learn pieces from"):
        train_pieces(["", ""], "bpe", 60)


def test_what_is_no_model_is_refused() -> None:
    for wrong in (b"", b"not a model"):
        with pytest.raises(VocabularyError, match=r"^here\.model: not a SentencePiece model; expected what `asr"):
            PieceTokenizer(wrong, "bpe", "here.model")


def test_models_of_others_keep_their_pieces_and_change_no_text() -> None:
    """Control symbols are no tokens; a model that rewrites a text is found out."""
    written = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(TEXTS), model_writer=written, vocab_size=40, hard_vocab_limit=False,
        normalization_rule_name="nmt_nfkc_cf", minloglevel=2,
    )  # fmt: skip
    tokenizer = PieceTokenizer(written.getvalue())
    assert not {"<s>", "</s>", "<unk>"} & set(tokenizer.tokens)
    assert tokenizer.decode(tokenizer.encode("lower low")) == "lower low"
    with pytest.raises(VocabularyError, match="is not what its pieces spell"):
        tokenizer.encode("lower  low")
