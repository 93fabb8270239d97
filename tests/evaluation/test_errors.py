"""Error counts against a dynamic programme of our own, and a published figure."""

from functools import reduce
from math import inf
from operator import add
from pathlib import Path

import jiwer
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asr.evaluation.errors import ErrorCounts, align_characters, align_words, character_errors, word_errors

WORDS = st.lists(st.sampled_from(["a", "b", "ab", "ß"]), max_size=8).map(" ".join)


def _distance(left: str | list[str], right: str | list[str]) -> int:
    row = list(range(len(right) + 1))
    for i, x in enumerate(left, 1):
        previous, row = row, [i]
        for j, y in enumerate(right, 1):
            row.append(min(previous[j] + 1, row[j - 1] + 1, previous[j - 1] + (x != y)))
    return row[-1]


@settings(deadline=None)  # the first call may compile
@given(WORDS, WORDS)
def test_counts_are_the_edit_distance(reference: str, hypothesis: str) -> None:
    words, characters = word_errors(reference, hypothesis), character_errors(reference, hypothesis)
    assert words.errors == _distance(reference.split(), hypothesis.split())
    assert characters.errors == _distance(reference, hypothesis)
    assert words.reference_length == len(reference.split())
    assert characters.reference_length == len(reference)
    assert words.insertions - words.deletions == len(hypothesis.split()) - len(reference.split())


@settings(deadline=None)  # the first call may compile
@given(WORDS, WORDS)
def test_alignment_spells_both_texts_and_shows_every_error(reference: str, hypothesis: str) -> None:
    pairs = align_words(reference, hypothesis)
    assert [r for r, _ in pairs if r is not None] == reference.split()
    assert [h for _, h in pairs if h is not None] == hypothesis.split()
    assert (None, None) not in pairs
    assert _of(pairs) == word_errors(reference, hypothesis)
    assert _of(align_characters(reference, hypothesis)) == character_errors(reference, hypothesis)


def _of(pairs: list[tuple[str | None, str | None]]) -> ErrorCounts:
    deleted, inserted = sum(h is None for _, h in pairs), sum(r is None for r, _ in pairs)
    wrong = sum(r != h for r, h in pairs)
    return ErrorCounts(wrong - deleted - inserted, deleted, inserted, len(pairs) - inserted)


@settings(deadline=None)
@given(WORDS, WORDS)
def test_as_many_errors_as_jiwer_and_no_more_substitutions(reference: str, hypothesis: str) -> None:
    counts, other = word_errors(reference, hypothesis), jiwer.process_words(reference, hypothesis)
    assert counts.errors == other.substitutions + other.deletions + other.insertions
    assert counts.substitutions <= other.substitutions


def _fewest(reference: list[str], hypothesis: list[str]) -> tuple[int, int]:
    """Errors and substitutions of the best alignment, by trying all."""
    if not reference or not hypothesis:
        return max(len(reference), len(hypothesis)), 0
    wrong = reference[0] != hypothesis[0]
    ways = [
        (_fewest(reference[1:], hypothesis[1:]), wrong, wrong),
        (_fewest(reference[1:], hypothesis), True, False),
        (_fewest(reference, hypothesis[1:]), True, False),
    ]
    return min((rest[0] + error, rest[1] + substituted) for rest, error, substituted in ways)


@settings(deadline=None)
@given(*[st.lists(st.sampled_from("abc"), max_size=5)] * 2)
def test_the_split_is_the_one_with_the_fewest_substitutions(reference: list[str], hypothesis: list[str]) -> None:
    counts = word_errors(" ".join(reference), " ".join(hypothesis))
    assert (counts.errors, counts.substitutions) == _fewest(reference, hypothesis)


@pytest.mark.parametrize(
    ("reference", "hypothesis", "counts", "rate"),
    [
        ("a b c", "a x c d", ErrorCounts(1, 0, 1, 3), 2 / 3),
        ("a", "b c d", ErrorCounts(1, 0, 2, 1), 3.0),  # never clamped
        ("a b", "", ErrorCounts(0, 2, 0, 2), 1.0),
        ("", "a b", ErrorCounts(0, 0, 2, 0), inf),
        ("", "", ErrorCounts(), 0.0),
        (" a \t b ", "a b", ErrorCounts(0, 0, 0, 2), 0.0),
    ],
)
def test_words(reference: str, hypothesis: str, counts: ErrorCounts, rate: float) -> None:
    assert word_errors(reference, hypothesis) == counts
    assert counts.rate == rate


def test_corpus_rate_is_of_the_sums() -> None:
    assert (word_errors("a b c", "a b c") + word_errors("a", "b")).rate == 1 / 4


def test_published_figure(shared_data: Path) -> None:
    folder = shared_data / "wer_fixture"
    reference, hypothesis = (
        dict(line.split("\t") for line in (folder / name).read_text().splitlines() if "\t" in line)
        for name in ("ref.test-clean.tsv", "hyp.test-clean.rnnt_baseline.tsv")
    )
    assert len(reference) == 2620
    total = reduce(add, (word_errors(text, hypothesis.get(id, "")) for id, text in reference.items()))
    assert total == ErrorCounts(1501, 225, 195, 52576)
    assert f"{total.rate:.7%}" == "3.6537584%"
