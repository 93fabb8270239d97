"""Estimation against brute force, against KenLM's own files, and properties every model must have."""

import math
import os
import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lm_oracles import as_dict, kneser_ney, sums

from asr.errors import LanguageModelError
from asr.lm.arpa import read_arpa
from asr.lm.discounts import discounts_of
from asr.lm.estimate import Recipe, estimate
from asr.lm.tables import Tables


def built(folder: Path, lines: list[str], recipe: Recipe) -> Tables:
    text = folder / "text.txt"
    text.write_text("".join(line + "\n" for line in lines))
    return estimate([text], recipe, folder)


def sentences(seed: int, count: int, words: str = "abcdefgh") -> list[str]:
    """Random sentences whose words follow Zipf's law, so that counts of counts fall."""
    draw = random.Random(seed)
    weights = [1 / (1 + i) ** 2 for i in range(len(words))]
    return [" ".join(draw.choices(words, weights, k=draw.randrange(6))) for _ in range(count)]


def bench() -> Path:
    folder = Path(os.environ.get("ASR_SHARED_DATA", Path(__file__).parents[2].parent / "shared" / "data"))
    folder = folder.parent / "bench" / "decoder"
    if not folder.is_dir():
        pytest.skip(f"no models of KenLM at {folder}; set ASR_SHARED_DATA to the data beside its bench")
    return folder


@settings(max_examples=40, deadline=None)
@given(
    lines=st.lists(st.text("abc ", max_size=8), min_size=1, max_size=8),
    order=st.integers(1, 4),
    prune=st.lists(st.integers(0, 2), max_size=3),
    closed=st.booleans(),
)
def test_equals_brute_force(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str], order: int, prune: list[int], closed: bool
) -> None:
    folder = tmp_path_factory.mktemp("estimate")
    (folder / "vocabulary").write_text("b z\na")
    prune = [0, *sorted(prune)][:order]
    recipe = Recipe(order, tuple(prune), "words", folder / "vocabulary" if closed else None, True)
    model = as_dict(built(folder, lines, recipe))
    right = kneser_ney([line.split() for line in lines], order, recipe.thresholds().tolist(), "bza" if closed else "")
    assert model.keys() == right.keys()
    for gram, values in right.items():
        assert model[gram] == pytest.approx(values, abs=1e-9), gram


def test_equals_brute_force_with_discounts_of_its_own(tmp_path: Path) -> None:
    lines = sentences(5, 150, "abcdefghijklmnopqrstuvwxyz0123456789")
    model = as_dict(built(tmp_path, lines, Recipe(2, (0, 1), discount_fallback=True)))
    right = kneser_ney([line.split() for line in lines], 2, [0, 1])
    assert model.keys() == right.keys()
    assert all(model[gram] == pytest.approx(values, abs=1e-9) for gram, values in right.items())


@pytest.mark.parametrize("prune", [(0,), (0, 0, 1), (0, 1, 2, 3)])
def test_probabilities_sum_to_one_after_every_context(tmp_path: Path, prune: tuple[int, ...]) -> None:
    model = built(tmp_path, sentences(1, 60), Recipe(4, prune, discount_fallback=True))
    assert max(abs(total - 1) for total in sums(model).values()) < 1e-12


@pytest.mark.parametrize("memory", [1, 1 << 10, 1 << 14])
@pytest.mark.parametrize("order", [1, 2, 5])
def test_spilled_to_disk_is_the_same(tmp_path: Path, memory: int, order: int) -> None:
    lines = sentences(2, 400)
    whole = built(tmp_path, lines, Recipe(order, (0, 0, 1)[:order], discount_fallback=True))
    parts = built(tmp_path, lines, Recipe(order, (0, 0, 1)[:order], discount_fallback=True, memory=memory))
    assert whole.words == parts.words
    for a, b in zip(whole.orders, parts.orders, strict=True):
        assert all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))
    assert [path.name for path in tmp_path.iterdir()] == ["text.txt"]  # scratch files are gone


def test_several_texts_are_one(tmp_path: Path) -> None:
    lines = [line for line in sentences(3, 40) if line]
    together = built(tmp_path, lines, Recipe(2, discount_fallback=True))
    for name, part in (("a.txt", lines[:25]), ("b.txt", lines[25:])):
        (tmp_path / name).write_text("\n".join(part))  # no newline behind the last sentence
    apart = estimate([tmp_path / "a.txt", tmp_path / "b.txt"], Recipe(2, discount_fallback=True))
    assert as_dict(together) == as_dict(apart)


def test_characters_are_words_and_the_space_a_bar(tmp_path: Path) -> None:
    model = built(tmp_path, [" né  an ", "n"], Recipe(2, units="chars", discount_fallback=True))
    assert model.words == ("<unk>", "<s>", "</s>", "n", "é", "|", "a")
    grams = {gram for gram in as_dict(model) if len(gram) == 2}
    assert grams == {("<s>", "n"), ("n", "é"), ("é", "|"), ("|", "a"), ("a", "n"), ("n", "</s>")}


@pytest.mark.parametrize(
    "name, recipe",
    [
        ("word3", Recipe(3, (0, 0, 1))),
        ("char6", Recipe(6, (0, 0, 0, 1, 1, 1), units="chars", discount_fallback=True)),
    ],
)
def test_equals_kenlm(name: str, recipe: Recipe) -> None:
    """The same n-grams as lmplz's, in the same order, within 1e-6 (its own float32); 1e-4 log10 was asked for."""
    model = estimate([bench() / "train.txt"], recipe)
    theirs, _ = read_arpa(bench() / f"{name}.arpa.gz")
    assert model.words == theirs.words
    for ours, other in zip(model.orders, theirs.orders, strict=True):
        assert np.array_equal(ours.words, other.words)
        assert np.abs(ours.log_probs - other.log_probs).max() < 1e-6 * math.log(10)
        assert np.abs(ours.backoffs - other.backoffs).max() < 1e-6 * math.log(10)


def test_discounts_by_hand() -> None:
    """n1..n4 = 10 4 2 1: Y = 10/18, D1 = 1 - 2Y 4/10, D2 = 2 - 3Y 2/4, D3 = 3 - 4Y 1/2."""
    found = discounts_of(np.array([[0, 10, 4, 2, 1]]), False)
    assert found[0] == pytest.approx([0, 5 / 9, 7 / 6, 17 / 9])


@pytest.mark.parametrize("counts, why", [([0, 10, 0, 2, 1], "adjusted count 2"), ([0, 10, 5, 1, 9], "count 3 is -")])
def test_undefined_discounts_name_the_way_out(counts: list[int], why: str) -> None:
    with pytest.raises(LanguageModelError, match=f"^1-grams: .*{why}.*--discount-fallback"):
        discounts_of(np.array([counts]), False)
    assert discounts_of(np.array([counts]), True)[0].tolist() == [0, 0.5, 1, 1.5]


@pytest.mark.parametrize("word", ["<s>", "</s>", "<unk>"])
@pytest.mark.parametrize("closed", [False, True])
def test_reserved_words_are_refused(tmp_path: Path, word: str, closed: bool) -> None:
    (tmp_path / "v").write_text("a b")
    recipe = Recipe(2, vocabulary=tmp_path / "v" if closed else None)
    with pytest.raises(LanguageModelError, match=r"text\.txt:3: .*as a word"):
        built(tmp_path, ["a b", "", f"b {word} a"], recipe)


@pytest.mark.parametrize(
    "recipe, complaint",
    [
        (Recipe(0), "--order 0"),
        (Recipe(2, (1,)), "--prune 1: prunes words"),
        (Recipe(3, (0, 2, 1)), "falls"),
        (Recipe(2, (0, 0, 1)), "too many"),
    ],
)
def test_recipes_that_cannot_be_meant(tmp_path: Path, recipe: Recipe, complaint: str) -> None:
    with pytest.raises(LanguageModelError, match=complaint):
        built(tmp_path, ["a"], recipe)


def test_texts_that_cannot_be_used(tmp_path: Path) -> None:
    with pytest.raises(LanguageModelError, match="no sentences"):
        built(tmp_path, [], Recipe(2))
    with pytest.raises(LanguageModelError, match=r"text\.txt:2: '\|', which stands for the space"):
        built(tmp_path, ["a b", "a|b"], Recipe(2, units="chars"))
    with pytest.raises(LanguageModelError, match="no such file"):
        estimate([tmp_path / "none"], Recipe(2))
    (tmp_path / "latin").write_bytes(b"a\nb\n\xe9\n")
    with pytest.raises(LanguageModelError, match="latin:3: not UTF-8"):
        estimate([tmp_path / "latin"], Recipe(2))
    (tmp_path / "empty").write_text(" \n")
    with pytest.raises(LanguageModelError, match="empty: no words"):
        built(tmp_path, ["a"], Recipe(2, vocabulary=tmp_path / "empty"))
