"""Sorted runs: what is counted does not depend on the room there is."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asr.lm.counting import blocks_of, count_grams
from asr.lm.kernels.text import BEGIN_ID, END_ID
from asr.lm.vocabulary import Vocabulary


@settings(max_examples=60, deadline=None)
@given(
    sentences=st.lists(st.lists(st.integers(3, 9) | st.integers(3, 2**31 - 1), max_size=30), max_size=40),
    order=st.integers(1, 4),
    memory=st.sampled_from([0, 4_000, 20_000, 1 << 30]),
    cut=st.integers(1, 50),
)
def test_counts_every_n_gram_in_order(
    tmp_path_factory: pytest.TempPathFactory, sentences: list[list[int]], order: int, memory: int, cut: int
) -> None:
    ids = np.array([word for sentence in sentences for word in [*sentence, END_ID]], np.int32)
    parts = [ids[i : i + cut] for i in range(0, len(ids), cut)]
    run = count_grams(parts, order, memory, tmp_path_factory.mktemp("runs"))
    right: Counter[tuple[int, ...]] = Counter()
    for sentence in sentences:
        padded = [BEGIN_ID] * (order - 1) + [*sentence, END_ID]
        right.update(tuple(padded[i : i + order]) for i in range(len(sentence) + 1))
    found = list(zip(map(tuple, run.rows.tolist()), run.counts.tolist(), strict=True))
    assert found == sorted(right.items(), key=lambda item: item[0][::-1])
    assert sum(len(block.counts) for block in blocks_of(run, 7)) == len(right)


def test_little_memory_means_files(tmp_path: Path) -> None:
    ids = np.array([3 + i * i % 97 for i in range(2_000)] + [END_ID], np.int32)
    count_grams([ids], 3, 4_000, tmp_path)
    assert {path.suffix for path in tmp_path.iterdir()} == {".rows", ".counts"}
    (tmp_path / "ample").mkdir()
    count_grams([ids], 3, 1 << 30, tmp_path / "ample")
    assert not list((tmp_path / "ample").iterdir())


@given(st.lists(st.text("ab\u00e9 ", max_size=9)))
def test_words_are_numbered_as_they_come(words: list[str]) -> None:
    vocabulary = Vocabulary()
    ids, fresh = vocabulary.add(words)
    assert vocabulary.words() == tuple(dict.fromkeys(words))
    assert [vocabulary.words()[i] for i in ids] == words
    assert fresh.tolist() == [word not in words[:i] for i, word in enumerate(words)]


def test_vocabularies_grow() -> None:
    words = [f"{i:x}" * 7 for i in range(30_000)]
    vocabulary = Vocabulary(words)
    assert vocabulary.words() == tuple(words)
    assert not vocabulary.add(words)[1].any()
