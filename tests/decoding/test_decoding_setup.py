"""Options become decoders, and what does not fit is one line."""

import gzip
from pathlib import Path

import numpy as np
import pytest
from models_by_chance import write_model

from asr.decoding.beam import BeamDecoder
from asr.decoding.greedy import GreedyDecoder
from asr.decoding.kernels.parts import TOKENS, WORDS
from asr.decoding.options import DecodingOptions
from asr.decoding.setup import decoder_for
from asr.errors import AsrError
from asr.lm.ngram import NGram
from asr.text.characters import CharTokenizer
from asr.text.lexicon import Lexicon
from asr.text.phonemes import PhonemeTokenizer

LOWER = CharTokenizer(["<blank>", *" ab"])


def options(**more) -> DecodingOptions:
    return DecodingOptions(**({"kind": "beam"} | more))


def test_greedy_reads_nothing() -> None:
    assert isinstance(decoder_for(DecodingOptions(lm=Path("absent")), LOWER), GreedyDecoder)


@pytest.mark.parametrize(
    "words, asked, units",
    [(["|", "a", "b"], "auto", TOKENS), (["a", "ab"], "auto", WORDS), (["ab", "ba"], "auto", WORDS),
     (["|", "a", "b"], "word", WORDS), (["a", "b"], "token", TOKENS)],
)  # fmt: skip
def test_what_a_model_counts_is_seen(words: list[str], asked: str, units: int, tmp_path: Path) -> None:
    lm = write_model(tmp_path / "lm.arpa.gz", words, 1)
    decoder = decoder_for(options(lm=lm, lm_units=asked), LOWER)
    assert isinstance(decoder, BeamDecoder) and decoder.model.weights.units == units


def test_without_a_model_a_lexicon_says_the_words(tmp_path: Path) -> None:
    (tmp_path / "words").write_text("ab\nba\n")
    decoder = decoder_for(options(lexicon=tmp_path / "words"), LOWER)
    assert isinstance(decoder, BeamDecoder) and decoder.lexicon is not None
    assert decoder.lexicon.words == ("ab", "ba")


def test_a_token_is_scored_as_the_models_word(tmp_path: Path) -> None:
    lm = write_model(tmp_path / "lm.arpa.gz", ["|", "a", "b"], 1)
    decoder = decoder_for(options(lm=lm, alpha=1.0, recombine=False, nbest=500), LOWER)
    assert isinstance(decoder, BeamDecoder)
    x = np.log(np.full((3, 4), 0.25, np.float32))
    model = NGram.read(lm)
    for h in decoder.search([x])[0]:
        spelt = ["|" if c == " " else c for c in LOWER.decode(h.tokens)]
        assert h.lm == pytest.approx(sum(model.score(spelt)), abs=1e-4)


NO_MARKS = """\\data\\
ngram 1=2

\\1-grams:
-0.1\ta
-0.9\tab

\\end\\
"""


@pytest.mark.parametrize("unknown, log10", [(None, -100.0), ("<unk>", -3.0), ("<UNK>", -3.0)])
def test_unknown_words_are_not_scored_as_any_known_one(unknown: str | None, log10: float, tmp_path: Path) -> None:
    text = NO_MARKS if unknown is None else NO_MARKS.replace("=2", "=3").replace("-0.9", f"-3\t{unknown}\n-0.9")
    (tmp_path / "lm.arpa").write_text(text)
    (tmp_path / "words").write_text("a\nab\nba\n")
    plain = {"alpha": 0.5, "beta": 0.0, "insertion": 0.0, "recombine": False, "nbest": 99}
    decoder = decoder_for(options(lm=tmp_path / "lm.arpa", lexicon=tmp_path / "words", **plain), LOWER)
    assert isinstance(decoder, BeamDecoder)
    (found,) = decoder.search([np.log(np.full((3, 4), 0.25, np.float32))])
    scores = {LOWER.decode(h.tokens): h.lm / np.log(10) for h in found}
    for said, expected in {"a": -0.1, "ab": -0.9, "ba": log10, "bb": log10}.items():
        assert said not in scores or scores[said] == pytest.approx(expected, abs=1e-4)
    assert {"a", "ab"} <= scores.keys() and (log10 < -50 or "ba" in scores)


def broken(tmp_path: Path) -> dict[str, tuple[dict, str]]:
    upper = write_model(tmp_path / "upper.arpa.gz", ["A", "AB"], 1)
    greek = write_model(tmp_path / "greek.arpa.gz", ["α", "αβ"], 1)
    chars = write_model(tmp_path / "chars.arpa.gz", ["|", "a", "b"], 1)
    cut = tmp_path / "cut.arpa.gz"
    cut.write_bytes(gzip.compress(gzip.decompress(chars.read_bytes())[:-40]))
    (tmp_path / "words").write_text("ab\n")
    (tmp_path / "none").write_text(" \n")
    return {
        "case": ({"lm": upper}, r"upper\.arpa\.gz: LM is upper case, model is lower case"),
        "case of tokens": ({"lm": upper, "lm_units": "token"}, "LM is upper case, model is lower case"),
        "alphabet": ({"lm": greek}, r"greek\.arpa\.gz: shares no symbol with the model's 4 tokens"),
        "truncated": ({"lm": cut}, r"cut\.arpa\.gz"),
        "absent": ({"lm": tmp_path / "no.arpa"}, r"no\.arpa"),
        "two": ({"lm": chars, "lexicon": tmp_path / "words"}, "counts tokens"),
        "case beside a lexicon": (
            {"lm": upper, "lexicon": tmp_path / "words", "lm_units": "word"},
            r"upper\.arpa\.gz: LM is upper case, lexicon is lower case",
        ),
        "words beside a lexicon": (
            {"lm": greek, "lexicon": tmp_path / "words"},
            r"greek\.arpa\.gz: knows none of the 1",
        ),
        "no words": ({"lexicon": tmp_path / "none"}, "holds no word"),
        "no lexicon": ({"lexicon": tmp_path / "absent"}, "cannot be read"),
        "hotword": ({"hotwords": ["aβ"]}, r"decoding\.hotwords: 'aβ' cannot be written"),
    }


@pytest.mark.parametrize("name", [
    "case", "case of tokens", "alphabet", "truncated", "absent", "two", "case beside a lexicon",
    "words beside a lexicon", "no words", "no lexicon", "hotword",
])  # fmt: skip
def test_what_does_not_fit_is_one_line(name: str, tmp_path: Path) -> None:
    more, message = broken(tmp_path)[name]
    with pytest.raises(AsrError, match=message) as caught:
        decoder_for(options(**more), LOWER)
    assert "\n" not in str(caught.value)


def test_decoders_in_words(tmp_path: Path) -> None:
    assert DecodingOptions().describe() == "greedy"
    plain = options(lm=Path("lm/word3.arpa.gz"), alpha=0.8, beta=2.5, unknown="forbid")
    assert plain.describe("words", 3) == (
        "beam search, width 100, word3.arpa.gz (words), lexicon of 3 words, alpha 0.8, beta 2.5, insertion 0.5, "
        "unknown words forbidden"
    )
    (tmp_path / "w.txt").write_text("ab\nba\n")
    decoder = decoder_for(options(lexicon=tmp_path / "w.txt", hotwords=["ab"], beam_width=7), LOWER)
    assert decoder.describe() == (  # type: ignore[attr-defined]
        "beam search, width 7, w.txt (2 words), beta 1, insertion 0.5, unknown words allowed, penalty 15, "
        "1 phrases boosted by 5"
    )
    assert options().describe("tokens") == "beam search, width 100, beta 1, insertion 0.5"
    assert "unknown words forbidden" in options().describe("words", 10, closed=True)


def test_words_that_only_the_pronunciations_have_are_not_heard_unless_asked_for(tmp_path: Path) -> None:
    phones = PhonemeTokenizer(Lexicon({"ab": [["AH", "B"]], "ba": [["B", "AH"]]}))
    lm = write_model(tmp_path / "lm.arpa.gz", ["ab", "c"], 1)
    (tmp_path / "words").write_text("ab\nba\n")
    for given, expected in ((None, {"ab"}), (tmp_path / "words", {"ab", "ba"})):
        decoder = decoder_for(options(lm=lm, lexicon=given), phones)
        assert isinstance(decoder, BeamDecoder) and decoder.lexicon is not None
        assert set(decoder.lexicon.words) == expected


def test_a_model_of_other_words_than_are_pronounced_is_refused(tmp_path: Path) -> None:
    phones = PhonemeTokenizer(Lexicon({"ab": [["AH", "B"]]}))
    decoder_for(options(lm=write_model(tmp_path / "lower.arpa.gz", ["ab", "ba"], 1)), phones)
    with pytest.raises(AsrError, match=r"upper\.arpa\.gz: LM is upper case, lexicon is lower case"):
        decoder_for(options(lm=write_model(tmp_path / "upper.arpa.gz", ["AB", "BA"], 1)), phones)
