"""Pronunciations of unknown words through eSpeak NG: which words are asked for, and what is said of mistakes."""

import importlib.util

import pytest

from asr.corpora import pronounce
from asr.corpora.pronounce import extend, phone_set
from asr.errors import ManifestError
from asr.text.lexicon import Lexicon

needs_extra = pytest.mark.skipif(
    importlib.util.find_spec("espeakng_loader") is None, reason="the extra 'synth' is not installed"
)
BASE = Lexicon({"zero": [["Z", "IH", "R", "OW"], ["Z", "IY", "R", "OW"]], "unused": [["AH"]]})


@needs_extra
def test_digits() -> None:
    """As CMUdict has them, but for the zero, which eSpeak NG says its own way."""
    wanted = {
        "one": "W AH N", "two": "T UW", "three": "TH R IY", "four": "F AO R", "five": "F AY V", "six": "S IH K S",
        "seven": "S EH V AH N", "eight": "EY T", "nine": "N AY N",
    }  # fmt: skip
    found, failed = extend(Lexicon({}), wanted)
    assert not failed and list(found.pronunciations) == list(wanted)
    assert {word: " ".join(way) for word, (way,) in found.pronunciations.items()} == wanted


@needs_extra
def test_what_the_base_has_stays_and_the_rest_is_added_once() -> None:
    found, failed = extend(BASE, ["two", "zero", "two"])
    assert list(found.pronunciations) == ["zero", "unused", "two"] and not failed
    assert {word: found.pronunciations[word] for word in BASE.pronunciations} == BASE.pronunciations


@needs_extra
def test_other_languages_and_phones() -> None:
    found, failed = extend(Lexicon({}), ["zwei", "acht"], language="de")
    assert not failed and found.pronunciations == {"zwei": (("ts", "v", "aɪ"),), "acht": (("a", "x", "t"),)}
    found, _ = extend(Lexicon({}), ["church"], phones="ipa")
    assert found.pronunciations == {"church": (("tʃ", "ɜː", "tʃ"),)}, "no mark of stress"


@needs_extra
def test_words_that_cannot_be_written_are_named_and_the_rest_is_not_lost() -> None:
    found, failed = extend(Lexicon({}), ["acht", "zwei"], language="de", phones="arpabet")
    assert list(found.pronunciations) == ["acht"]
    assert [str(error) for error in failed] == [
        "word 'zwei': 'ts' is no sound of English; expected one of ARPABET's; choose --phones ipa"
    ]


@needs_extra
def test_a_voice_that_is_not_there() -> None:
    with pytest.raises(ManifestError, match=r"^lexicon: eSpeak NG as xx cannot say 'a' \(no voice 'xx'\); expected"):
        extend(Lexicon({}), ["a"], language="xx")


@pytest.mark.parametrize("phones", ["arpabet", "ipa"])
def test_words_without_a_sound_are_named(monkeypatch: pytest.MonkeyPatch, phones: pronounce.PhoneSet) -> None:
    monkeypatch.setattr(pronounce, "require_extra", lambda verb: None)
    monkeypatch.setattr(pronounce, "_pronounced", lambda words, language: [(word, []) for word in words])
    found, failed = extend(BASE, ["mute"], phones=phones)
    assert found.pronunciations == BASE.pronunciations
    assert str(failed[0]) == "word 'mute': eSpeak NG says nothing; expected sounds; write its pronunciation by hand"


def test_a_process_that_ends_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pronounce, "require_extra", lambda verb: None)
    monkeypatch.setattr(pronounce.sys, "executable", "true")
    with pytest.raises(ManifestError, match=r"cannot say 'a' \(the process ended\)"):
        extend(Lexicon({}), ["a"])


def test_the_missing_extra_is_one_clear_error_where_a_word_needs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert extend(BASE, ["zero"])[0].pronunciations == BASE.pronunciations
    with pytest.raises(ManifestError, match=r"^lexicon: espeakng-loader .* is not installed; .*\[synth\]"):
        extend(BASE, ["two"])


@pytest.mark.parametrize(
    "language, phones",
    [("en", "arpabet"), ("en-us", "arpabet"), ("en-gb-x-rp", "arpabet"), ("de", "ipa"), ("eng", "ipa")],
)
def test_phones_of_a_language(language: str, phones: str) -> None:
    assert phone_set(language) == phones
