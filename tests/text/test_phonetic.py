"""Words spelt in phones and triphones: which ids, which words come back, and what is said of unknown ones."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr.errors import VocabularyError
from asr.interfaces import PhoneticTokenizer, Tokenizer
from asr.text.lexicon import Lexicon
from asr.text.normalize import Normalizer
from asr.text.phonemes import PhonemeTokenizer
from asr.text.phonetic import Phonetic
from asr.text.tokenizers import tokenizer_from_state
from asr.text.triphones import TriphoneTokenizer
from asr.text.tying import triphones

LEXICON = Lexicon(
    {
        "to": [["t", "uː"], ["t", "ə"]],
        "two": [["t", "uː"]],
        "cat": [["k", "ae", "t"]],
        "act": [["ae", "k", "t"]],
        "a": [["ə"], ["ae"]],
        "tattoo": [["t", "ae", "t", "uː"]],
    }
)
TEXTS = ["two cats", "cat act a", "to cat", "cat to", "a"]
BOTH: dict[str, Phonetic] = {
    "phoneme": PhonemeTokenizer(LEXICON),
    "triphone": TriphoneTokenizer.build(LEXICON, TEXTS, 2),
}
each = pytest.mark.parametrize("kind", BOTH)
WORDS = st.lists(st.sampled_from([*LEXICON.pronunciations]), max_size=6)


@each
def test_fits_the_seams(kind: str) -> None:
    tokenizer = BOTH[kind]
    assert isinstance(tokenizer, Tokenizer) and isinstance(tokenizer, PhoneticTokenizer)
    assert tokenizer.tokens[:2] == ("<blank>", " ") and tokenizer.boundary == 1
    assert set(LEXICON.phones) < set(tokenizer.tokens) | {""}, "every phone has a unit"
    assert tokenizer.vocabulary == tuple(LEXICON.pronunciations)


def test_phones_by_id() -> None:
    tokenizer = BOTH["phoneme"]
    assert tokenizer.tokens == ("<blank>", " ", "ae", "k", "t", "uː", "ə")
    assert tokenizer.encode("cat to") == [3, 2, 4, 1, 4, 5]
    assert tokenizer.spell("to") == ((4, 5), (4, 6)) and tokenizer.spell("two") == ((4, 5),)


@each
@given(words=WORDS)
def test_words_come_back_up_to_homophones(kind: str, words: list[str]) -> None:
    tokenizer = BOTH[kind]
    ids = tokenizer.encode(" ".join(words))
    assert 0 not in ids and tokenizer.decode(ids) == " ".join(words).replace("two", "to")
    assert [tuple(ids[a:b]) for a, b in tokenizer.words(ids)] == [tokenizer.spell(word)[0] for word in words]
    assert ids.count(tokenizer.boundary) == max(0, len(words) - 1)


@each
@given(words=st.lists(st.sampled_from([*LEXICON.pronunciations]), min_size=1), choice=st.data())
def test_every_way_to_say_a_word_is_that_word(kind: str, words: list[str], choice: st.DataObject) -> None:
    tokenizer = BOTH[kind]
    ways = [choice.draw(st.sampled_from(tokenizer.spell(word))) for word in words]
    ids = [i for way in ways for i in (*way, tokenizer.boundary)]
    assert tokenizer.decode(ids) == " ".join(words).replace("two", "to")


@each
def test_what_is_no_word_is_written_as_its_phones(kind: str) -> None:
    tokenizer = BOTH[kind]
    (cat,), (to, _) = tokenizer.spell("cat"), tokenizer.spell("to")
    assert tokenizer.decode([*cat, 1, *cat, *to]) == "cat <k+ae+t+t+uː>"
    assert Normalizer()(tokenizer.decode([*cat, *to])) == "<k+ae+t+t+uː>", "scored as one word"
    assert tokenizer.decode([1, 1, *cat, 1, 1, *to, 1]) == "cat to", "boundaries may be anywhere"
    assert tokenizer.decode([]) == tokenizer.decode([1]) == ""


@each
def test_an_unknown_word_is_named_with_a_remedy(kind: str) -> None:
    with pytest.raises(VocabularyError) as caught:
        BOTH[kind].encode("cat dog")
    assert str(caught.value) == (
        "'dog' is not in the lexicon (6 words); expected a pronunciation; add it by hand, or let `asr lexicon` make one"
    )
    with pytest.raises(VocabularyError, match="'dog' is not in the lexicon"):
        BOTH[kind].spell("dog")


@each
@pytest.mark.parametrize("wrong", [0, -1, 999])
def test_decode_refuses_what_is_no_unit(kind: str, wrong: int) -> None:
    with pytest.raises(VocabularyError, match=rf"^id {wrong} is no unit; expected 1 to "):
        BOTH[kind].decode([wrong])


@each
def test_state_is_the_whole_tokenizer(kind: str) -> None:
    tokenizer = BOTH[kind]
    again = tokenizer_from_state(tokenizer.state())
    assert isinstance(again, Phonetic) and again.kind == kind  # type: ignore[attr-defined]
    assert again.tokens == tokenizer.tokens and again.vocabulary == tokenizer.vocabulary
    assert [again.spell(word) for word in again.vocabulary] == [tokenizer.spell(word) for word in again.vocabulary]
    assert again.state() == tokenizer.state()


# ── triphones ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_many_triphones_are_one_unit_and_each_is_of_its_phone() -> None:
    tokenizer = BOTH["triphone"]
    assert isinstance(tokenizer, TriphoneTokenizer)
    assert len(set(tokenizer.units.values())) < len(tokenizer.units)
    spelt = {t for ways in LEXICON.pronunciations.values() for way in ways for t in triphones(way)}
    assert set(tokenizer.units) == spelt, "the map knows every triphone of the lexicon"
    for word, ways in LEXICON.pronunciations.items():
        for way, ids in zip(dict.fromkeys(ways), tokenizer.spell(word), strict=True):
            names = [tokenizer.tokens[i] for i in ids]
            assert names == [tokenizer.units[t] for t in triphones(way)] and len(ids) == len(way)


def test_units_are_those_the_texts_have_often_enough() -> None:
    """cat 3 times (cats is in no lexicon), to 2, two 1, a 2, act 1."""
    tokens = set(BOTH["triphone"].tokens)
    assert {"#-k+ae", "k-ae+t", "ae-t+#", "#-t+uː", "t-uː+#", "#-ə+#"} <= tokens
    assert not {t for t in tokens if "act" in t or t in ("#-ae+k", "ae-k+t", "k-t+#")}
    many = TriphoneTokenizer.build(LEXICON, TEXTS, 1000)
    assert many.tokens == BOTH["phoneme"].tokens and many.encode("cat") == BOTH["phoneme"].encode("cat")


def test_a_word_that_training_never_meets_is_spelt_in_units_that_it_does() -> None:
    met = {i for word in ("cat", "to", "two", "a", "act") for i in BOTH["triphone"].spell(word)[0]}
    assert set(BOTH["triphone"].spell("tattoo")[0]) <= met
    assert set(BOTH["triphone"].spell("a")[1]) <= met


def test_phones_that_cannot_be_named_apart_are_refused() -> None:
    with pytest.raises(VocabularyError, match="has a phone '#', which marks the ends of words"):
        TriphoneTokenizer.build(Lexicon({"a": [["#", "b"]]}), ["a"], 1)
    clash = Lexicon({"a": [["x-a", "b"]], "b": [["x", "a+b"]], "c": [["q-x", "a", "b"]], "d": [["q", "x-a", "b"]]})
    with pytest.raises(VocabularyError, match="is two units; expected one; rename phones that hold - or"):
        TriphoneTokenizer.build(clash, ["c d"], 1)
