"""Scoring: the automaton against Katz's recursion on dictionaries, perplexities by hand, and the cache."""

import math
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lm_oracles import Model, as_tables, back_off

from asr.lm import cache
from asr.lm.ngram import NGram
from asr.lm.perplexity import score_lines, total
from asr.lm.writing import write_arpa

LN10 = math.log(10)
WORDS = ("<unk>", "<s>", "</s>", "a", "b", "c")
HAND = {  # log10
    ("<unk>",): (-2.0, 0.0), ("<s>",): (-99.0, -0.1), ("</s>",): (-1.0, 0.0), ("a",): (-0.5, -0.2),
    ("b",): (-0.7, 0.0), ("<s>", "a"): (-0.25, 0.0), ("a", "b"): (-0.125, 0.0),
}  # fmt: skip


def hand() -> Model:
    return {gram: (p * LN10, b * LN10) for gram, (p, b) in HAND.items()}


@st.composite
def models(draw: st.DrawFn) -> Model:
    """Any back-off model whose contexts are there; endings of its n-grams need not be."""
    value = st.integers(-4_000_000, 0).map(lambda n: n * 1e-6)  # what the automaton can hold exactly
    weight = st.just(0.0) | value | st.just(0.5)
    model: Model = {(word,): (draw(value), draw(weight)) for word in WORDS}
    for k in (2, 3, 4):
        contexts = [gram for gram in model if len(gram) == k - 1]
        if contexts:
            pairs = st.tuples(st.sampled_from(contexts), st.sampled_from(WORDS))
            for context, word in draw(st.lists(pairs, max_size=12, unique=True)):
                model[(*context, word)] = (draw(value), draw(weight))
    return model


@settings(max_examples=150, deadline=None)
@given(models(), st.lists(st.sampled_from(["a", "b", "c", "<unk>", "?"]), max_size=8))
def test_the_automaton_backs_off_as_katz_does(model: Model, words: list[str]) -> None:
    tables = as_tables(model)
    found = NGram.of(tables).score(words)
    said = ["<s>", *(word if word in WORDS else "<unk>" for word in words), "</s>"]
    right = []
    for i in range(1, len(said)):
        # the longest context the model has: an n-gram without arcs still backs off with its weight
        right.append(back_off(model, tuple(said[max(0, i + 1 - len(tables.orders)) : i]), said[i]))
    assert found == pytest.approx(right, abs=1e-9)


def test_perplexity_by_hand() -> None:
    """<s> a: -0.25; a b: -0.125; b backs off for 0 to </s>: -1."""
    model = NGram.of(as_tables(hand()))
    assert np.array(model.score(["a", "b"])) / LN10 == pytest.approx([-0.25, -0.125, -1.0], abs=1e-6)
    assert model.perplexity([["a", "b"]]) == pytest.approx(10 ** (1.375 / 3), rel=1e-6)
    assert model.score([]) == pytest.approx([(-0.1 - 1.0) * LN10])  # <s> backs off
    assert math.isnan(model.perplexity([]))
    assert (model.order, model.words[model.end], model.words[model.unknown]) == (2, "</s>", "<unk>")


def test_files_are_scored_with_and_without_unknown_words(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("a b\nx\n\n")
    score = total(score_lines(NGram.of(as_tables(hand())), tmp_path / "text", "words"))
    known = -0.25 - 0.125 - 1.0 - 1.0 - 1.1  # a b </s>, </s> after x, </s> of the empty line
    assert (score.sentences, score.tokens, score.unknown) == (3, 6, 1)
    assert score.log_prob / LN10 == pytest.approx(known - 2.1, abs=1e-5)
    assert score.perplexity() == pytest.approx(10 ** ((2.1 - known) / 6), rel=1e-5)
    assert score.perplexity(known=True) == pytest.approx(10 ** (-known / 5), rel=1e-5)


def test_a_model_without_marks(tmp_path: Path) -> None:
    """No <unk>: probability 0 and a fresh start behind it; no </s>: nothing is scored there; no <s>: no context."""
    bare = {gram: value for gram, value in hand().items() if gram[0] in "ab"}
    model = NGram.of(as_tables(bare))
    assert (model.start, model.end, model.unknown) == (0, -1, -1)
    scores = np.array(model.score(["a", "x", "a", "b"])) / LN10
    assert scores == pytest.approx([-0.5, -math.inf, -0.5, -0.125])
    assert model.perplexity([["x"]]) == math.inf
    (tmp_path / "text").write_text("a x a b\nb\n")
    score = total(score_lines(model, tmp_path / "text", "words"))
    assert (score.sentences, score.tokens, score.unknown, score.log_prob) == (2, 5, 1, -math.inf)
    assert score.known_log_prob / LN10 == pytest.approx(-0.5 - 0.5 - 0.125 - 0.7)
    assert score.perplexity() == math.inf


def same(a: NGram, b: NGram) -> bool:
    rest = (a.order, a.words, a.ids, a.start, a.end, a.unknown) == (b.order, b.words, b.ids, b.start, b.end, b.unknown)
    return rest and all(np.array_equal(x, y) for x, y in zip(a.automaton, b.automaton, strict=True))


def test_the_cache_is_the_model(tmp_path: Path) -> None:
    path = tmp_path / "m.arpa.gz"
    write_arpa(path, as_tables(hand()))
    first = NGram.read(path)
    assert cache.load(path) is not None
    assert same(first, NGram.read(path))


def test_a_stale_or_broken_cache_is_not_used(tmp_path: Path) -> None:
    path = tmp_path / "m.arpa"
    write_arpa(path, as_tables(hand()))
    NGram.read(path)
    other = hand() | {("c",): (-1.0, 0.0)}
    write_arpa(path, as_tables(other))
    assert cache.load(path) is None
    assert "c" in NGram.read(path).ids
    assert cache.load(path) is not None
    os.utime(path, ns=(1, 1))
    assert cache.load(path) is None
    NGram.read(path)
    data = bytearray(cache.cache_path(path).read_bytes())
    at = data.index(b"unigrams.npy") + 200
    data[at] ^= 0xFF
    cache.cache_path(path).write_bytes(data)
    assert cache.load(path) is None
    cache.cache_path(path).write_bytes(data[: len(data) // 2])
    assert cache.load(path) is None
    assert "c" in NGram.read(path).ids


def test_where_nothing_can_be_written_there_is_no_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "m.arpa"
    write_arpa(path, as_tables(hand()))

    def refuse(target: Path) -> None:
        raise PermissionError(13, "read-only", str(target))

    monkeypatch.setattr(cache, "whole", refuse)
    assert NGram.read(path).order == 2
    assert [p.name for p in tmp_path.iterdir()] == ["m.arpa"]
