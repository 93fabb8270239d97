"""The character tokenizer: ids and back, and nothing dropped."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr.errors import VocabularyError
from asr.interfaces import Tokenizer
from asr.text.characters import CharTokenizer
from asr.text.tokenizers import tokenizer_from_state

TEXTS = st.lists(st.text(max_size=20), min_size=1, max_size=5)


@given(TEXTS)
def test_round_trip_through_ids_and_state(texts: list[str]) -> None:
    tokenizer = tokenizer_from_state(CharTokenizer.build(texts).state())
    assert tokenizer.tokens == CharTokenizer.build(texts).tokens
    for text in texts:
        ids = tokenizer.encode(text)
        assert tokenizer.decode(ids) == text
        assert len(ids) == len(text) and 0 not in ids


@given(TEXTS)
def test_order_of_the_texts_does_not_matter(texts: list[str]) -> None:
    assert CharTokenizer.build(texts).tokens == CharTokenizer.build(reversed(texts)).tokens


def test_tokens() -> None:
    tokenizer = CharTokenizer.build(["b a", "ab"])
    assert isinstance(tokenizer, Tokenizer)
    assert tokenizer.tokens == ("<blank>", " ", "a", "b")
    assert tokenizer.encode("a b") == [2, 1, 3]


def test_unknown_character_is_named_with_a_remedy() -> None:
    with pytest.raises(VocabularyError) as caught:
        CharTokenizer.build(["caf"]).encode("café")
    assert str(caught.value) == (
        "'é' (U+00E9 LATIN SMALL LETTER E WITH ACUTE) is not in the vocabulary (4 tokens); "
        "add it to text.replace, or put an utterance with it into the training manifest"
    )


@pytest.mark.parametrize("tokens", [[], ["a"], ["<blank>", "a", "a"], ["<blank>", "ab"], ["<blank>", ""]])
def test_wrong_tokens_are_refused(tokens: list[str]) -> None:
    with pytest.raises(VocabularyError):
        CharTokenizer(tokens)


@pytest.mark.parametrize("ids", [[0], [3], [-1]])
def test_decode_refuses_what_is_no_character(ids: list[int]) -> None:
    with pytest.raises(VocabularyError, match="expected 1 to 2"):
        CharTokenizer(["<blank>", "a", "b"]).decode(ids)


def test_unknown_kind_is_refused() -> None:
    with pytest.raises(VocabularyError, match="'phonemes' is unknown"):
        tokenizer_from_state({"kind": "phonemes"})
