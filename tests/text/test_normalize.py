"""The normaliser: idempotent whatever it is given, and right about the languages users bring."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from asr.text.normalize import Normalizer, TextOptions

SEASONED = st.text(
    st.one_of(st.characters(codec="utf-8"), st.sampled_from("'’.,-ßẞΣςİǅﬁ´½… \u00ad\u0301e")), max_size=30
)
OPTIONS = st.builds(
    TextOptions,
    unicode=st.sampled_from(["NFKC", "NFC", "none"]),
    case=st.sampled_from(["lower", "upper", "keep"]),
    punctuation=st.sampled_from(["remove", "keep"]),
    replace=st.sampled_from([{}, {"&": " and ", "é": "e"}, {"%": " per-cent", "ab": "b"}]),
)


@given(SEASONED, OPTIONS)
def test_idempotent(text: str, options: TextOptions) -> None:
    normalize = Normalizer(options)
    assert normalize(normalize(text)) == normalize(text)


@given(SEASONED)
def test_default_leaves_no_punctuation_nor_loose_white_space(text: str) -> None:
    out = Normalizer()(text)
    assert out == " ".join(out.split())
    assert not {c for c in out if unicodedata.category(c).startswith("P")} - set("'%&@#§‰")
    assert unicodedata.is_normalized("NFKC", out)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Don’t  stop—now!\n", "don't stop now"),
        ("'tis the dogs' well-known 'bone'", "tis the dogs well known bone"),
        ("l´eau, l`eau", "l'eau l'eau"),
        ("Ο ΔΡΟΜΟΣ ΤΗΣ ΑΓΆΠΗΣ;", "ο δρομος της αγάπης"),
        ("Straße — GROẞ, „weiß“", "straße groß weiß"),
        ("ﬁve ｆｏｕｒ", "five four"),
        ("cafe\u0301 zu\u00adsammen", "café zusammen"),
        ("50% & more", "50% & more"),  # said aloud: never dropped in silence
        ("...", ""),
    ],
)
def test_default(text: str, expected: str) -> None:
    assert Normalizer()(text) == expected


def test_upper_keeps_sharp_s_one_letter() -> None:
    assert Normalizer(TextOptions(case="upper"))("weiß") == "WEIẞ"


def test_kept_punctuation_and_case() -> None:
    options = TextOptions(case="keep", punctuation="keep", unicode="none")
    assert Normalizer(options)("  'Tis ﬁne,  “Bob”.") == "'Tis ﬁne, “Bob”."


def test_replacements_meet_settled_letters_longest_first() -> None:
    normalize = Normalizer(TextOptions(replace={"É": "E", "&": " and ", "&&": " AND THEN "}))
    assert normalize("Cafe\u0301 & bar && bed") == "cafe and bar and then bed"
    assert "'&'→' and '" in normalize.describe()


def test_describe_names_every_choice() -> None:
    assert Normalizer().describe() == "NFKC, lower case, punctuation removed"
    kept = TextOptions(unicode="none", case="keep", punctuation="keep")
    assert Normalizer(kept).describe() == "Unicode as it is, case kept, punctuation kept"


def test_empty_key_is_refused() -> None:
    with pytest.raises(ValidationError, match="empty string"):
        TextOptions(replace={"": "x"})
