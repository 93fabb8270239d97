"""The grammar of commands: its words, its letters, and that it does not run dry."""

import re
from collections import Counter
from itertools import islice

import numpy as np

from asr.corpora import commands


def test_about_three_hundred_words_all_of_which_are_said() -> None:
    words = commands.words()
    assert 280 <= len(words) <= 330
    said = Counter(word for text in islice(commands.sentences(np.random.default_rng(0)), 4000) for word in text.split())
    assert set(said) == set(words)
    assert min(said.values()) >= 5  # rare words are not learned


def test_sentences_are_plain_and_distinct() -> None:
    texts = list(islice(commands.sentences(np.random.default_rng(1)), 10000))
    assert len(set(texts)) == len(texts)
    assert all(re.fullmatch(r"[a-z']+( [a-z']+)*", text) for text in texts)
    assert 5 < np.mean([len(text.split()) for text in texts]) < 10


def test_the_seed_is_all_that_matters() -> None:
    one, same, other = (list(islice(commands.sentences(np.random.default_rng(seed)), 20)) for seed in (1, 1, 2))
    assert one == same != other
