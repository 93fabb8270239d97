"""Words with times from tokens of every kind."""

from pathlib import Path

import pytest
import torch
from units import KINDS, tokenizer_of

from asr.inference.words import spelt, words
from asr.text.lexicon import Lexicon
from asr.text.phonemes import PhonemeTokenizer
from asr.types import Hypothesis

TEXT = "ab cd ab da"


def _hypothesis(ids: list[int], **fields: object) -> Hypothesis:
    """Token i lies on frames [3i, 3i + 2)."""
    return Hypothesis(tuple(ids), tuple((3 * i, 3 * i + 2) for i in range(len(ids))), -1.0, **fields)  # type: ignore[arg-type]


def _emissions(ids: list[int], tokens: int) -> torch.Tensor:
    """Frame t says token t // 3 with log probability -t; everything else is out of the question."""
    emissions = torch.full((3 * len(ids), tokens), -torch.inf)
    for t in range(len(emissions)):
        emissions[t, ids[t // 3]] = -t
    return emissions


@pytest.mark.parametrize("kind", KINDS)
def test_words_of_every_kind_of_units(kind: str, tmp_path: Path) -> None:
    tokenizer = tokenizer_of(kind, [TEXT, "a b c d"], tmp_path)
    ids = tokenizer.encode(TEXT)
    spans = words(_hypothesis(ids), _emissions(ids, len(tokenizer.tokens)), tokenizer, 0.01, 60.0)
    assert [span.text for span in spans] == TEXT.split()
    for span, (start, end) in zip(spans, tokenizer.words(ids), strict=True):
        assert (span.start, span.end) == pytest.approx((0.03 * start, 0.03 * (end - 1) + 0.02))
        heard = [t for i in range(start, end) for t in (3 * i, 3 * i + 1)]
        assert span.score == pytest.approx(-sum(heard) / len(heard))
    first, last = spans[0], words(_hypothesis(ids), _emissions(ids, len(tokenizer.tokens)), tokenizer, 0.01, 0.005)[-1]
    assert first.start == 0 and (last.start, last.end) == (0.005, 0.005), "clipped to the recording"


@pytest.mark.parametrize("kind", KINDS)
def test_words_a_lexicon_chose_are_taken(kind: str, tmp_path: Path) -> None:
    tokenizer = tokenizer_of(kind, [TEXT], tmp_path)
    ids = tokenizer.encode(TEXT)
    (a, b), (c, d), *_ = tokenizer.words(ids)
    hypothesis = _hypothesis(ids, words=(("abbey", a, b), ("seedy", c, d)))
    spans = words(hypothesis, _emissions(ids, len(tokenizer.tokens)), tokenizer, 0.01, 60.0)
    assert [(s.text, round(s.start, 6)) for s in spans] == [("abbey", 0.0), ("seedy", round(0.03 * c, 6))]
    assert hypothesis.text(tokenizer.decode) == "abbey seedy" and _hypothesis(ids).text(tokenizer.decode) == TEXT


def test_a_known_text_says_which_of_two_words_that_sound_alike() -> None:
    tokenizer = PhonemeTokenizer(Lexicon({"to": [["T", "UW"]], "two": [["T", "UW"]]}))
    ids = tokenizer.encode("two to")
    assert [word for word, _, _ in spelt(ids, tokenizer)] == ["to", "to"]
    assert spelt(ids, tokenizer, "two to") == (("two", 0, 2), ("to", 3, 5))


def test_loose_marks_of_a_word_are_no_words(tmp_path: Path) -> None:
    tokenizer = tokenizer_of("unigram", [TEXT], tmp_path)
    mark = tokenizer.tokens.index("▁")
    ids = [mark, mark, *tokenizer.encode("ab"), mark]
    assert [word for word, _, _ in spelt(ids, tokenizer)] == ["ab"]
