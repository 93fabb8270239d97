"""Shares of words that vocabularies know, counted by hand."""

import pytest

from asr.data.coverage import coverage


def test_shares_and_the_commonest_unknown() -> None:
    texts = {"train": ["a b a", "c"], "test": ["a d", "d e", ""]}
    train, test = coverage(texts, {"train": {"a", "b", "c"}, "lexicon": {"a", "d"}}, lambda said: float(len(said)))
    assert (train.name, train.words, train.different, train.perplexity) == ("train", 4, 3, 2.0)
    assert train.outside == {"train": 0.0, "lexicon": 0.5} and train.unknown == ("b", "c")
    assert test.outside["train"] == pytest.approx(3 / 4) and test.outside["lexicon"] == pytest.approx(1 / 4)
    assert test.unknown == ("d", "e")


def test_nothing_said() -> None:
    (found,) = coverage({"train": [""]}, {"x": set()})
    assert found.words == 0 and found.outside == {"x": 0.0} and found.perplexity is None and found.unknown == ()
