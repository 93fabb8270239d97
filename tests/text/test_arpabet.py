"""IPA of English as the phones of CMUdict."""

import pytest

from asr.errors import VocabularyError
from asr.text.arpabet import _ARPABET, arpabet

PHONES = """
    AA AE AH AO AW AY B CH D DH EH ER EY F G HH IH IY JH K L M N NG OW OY P R S SH T TH UH UW V W Y Z ZH
"""


def test_the_phones_are_those_of_cmudict_and_all_of_them() -> None:
    assert {phone for phones in _ARPABET.values() for phone in phones.split()} == set(PHONES.split())


@pytest.mark.parametrize(
    "sounds, phones",
    [
        ("s ɛ v ə n", "S EH V AH N"),
        ("tʃ ɜː tʃ", "CH ER CH"),
        ("b ɑːɹ ɹ oʊ", "B AA R OW"),
        ("w eɪ n z b ɚ ɹ oʊ", "W EY N Z B ER OW"),
        ("h iə ɹ oʊ", "HH IH R OW"),
        ("aɪ d iə", "AY D IY AH"),
        ("ɹ ɛ d", "R EH D"),
        ("f ɔːɹ", "F AO R"),
        ("", ""),
    ],
)
def test_words(sounds: str, phones: str) -> None:
    assert arpabet(sounds.split()) == tuple(phones.split())


def test_a_sound_that_english_has_not_is_named() -> None:
    with pytest.raises(VocabularyError, match=r"'ç' is no sound of English; .*; choose --phones ipa"):
        arpabet(["ɪ", "ç"])
