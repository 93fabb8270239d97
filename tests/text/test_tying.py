"""Tying by count: who is a unit of its own, who backs off to what, and that no unit is left with too few."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr.text.tying import Triphone, tie, triphones

PHONES = st.sampled_from("abc")
COUNTS = st.dictionaries(st.tuples(PHONES, PHONES, PHONES), st.integers(1, 9), max_size=20)


def test_triphones_of_a_word() -> None:
    assert triphones(("k", "ae", "t")) == [("#", "k", "ae"), ("k", "ae", "t"), ("ae", "t", "#")]
    assert triphones(("a",)) == [("#", "a", "#")]


CASES: dict[str, tuple[dict[Triphone, int], dict[Triphone, str]]] = {
    "often enough": ({("a", "p", "b"): 5}, {("a", "p", "b"): "a-p+b"}),
    "alone and too few": ({("a", "p", "b"): 4}, {("a", "p", "b"): "p"}),
    "left in common": (
        {("a", "p", "b"): 3, ("a", "p", "c"): 2},
        {("a", "p", "b"): "a-p", ("a", "p", "c"): "a-p"},
    ),
    "right in common": (
        {("b", "p", "a"): 3, ("c", "p", "a"): 2},
        {("b", "p", "a"): "p+a", ("c", "p", "a"): "p+a"},
    ),
    "the side that more share": (
        {("a", "p", "b"): 2, ("a", "p", "c"): 3, ("d", "p", "b"): 4},
        {("a", "p", "b"): "p+b", ("a", "p", "c"): "p", ("d", "p", "b"): "p+b"},
    ),
    "left where equal": (
        {("a", "p", "b"): 1, ("a", "p", "c"): 4, ("d", "p", "b"): 4},
        {("a", "p", "b"): "a-p", ("a", "p", "c"): "a-p", ("d", "p", "b"): "p"},
    ),
    "one of its own is not counted for the others": (
        {("a", "p", "b"): 9, ("a", "p", "c"): 2},
        {("a", "p", "b"): "a-p+b", ("a", "p", "c"): "p"},
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_back_off(case: str) -> None:
    counts, wanted = CASES[case]
    assert tie(counts, [], 5) == wanted


def test_triphones_that_training_never_meets() -> None:
    """By a biphone that is a unit, the phone where it is met, else its most frequent unit, else the phone."""
    counts = {("a", "p", "b"): 3, ("a", "p", "c"): 2, ("x", "p", "y"): 1, ("a", "q", "a"): 5, ("b", "q", "b"): 6}
    new = [("a", "p", "z"), ("z", "p", "z"), ("z", "q", "z"), ("z", "r", "z")]
    found = tie(counts, new, 5)
    assert [found[t] for t in new] == ["a-p", "p", "b-q+b", "r"]


@given(COUNTS, st.integers(1, 12), st.sets(st.tuples(PHONES, PHONES, PHONES), max_size=9))
def test_laws(counts: dict[Triphone, int], least: int, wanted: set[Triphone]) -> None:
    tying = tie(counts, wanted, least)
    assert set(tying) == set(counts) | wanted
    occupancy: Counter[str] = Counter()
    for triphone, unit in tying.items():
        left, phone, right = triphone
        assert (
            unit in (f"{left}-{phone}+{right}", f"{left}-{phone}", f"{phone}+{right}", phone) or triphone not in counts
        )
        assert unit.split("-")[-1].split("+")[0] == phone, "of the same phone"
        assert (unit == f"{left}-{phone}+{right}") == (counts.get(triphone, 0) >= least)
        occupancy[unit] += counts.get(triphone, 0)
    for unit, count in occupancy.items():
        assert count >= least or len(unit) == 1, f"{unit} is left with {count}"
        assert count or not any(t[1] == unit for t in counts), f"{unit} is never trained though its phone is met"


def test_equally_frequent_units_of_a_phone_are_chosen_between_by_name() -> None:
    counts = [(("a", "p", "b"), 5), (("c", "p", "d"), 5)]
    for pairs in (counts, counts[::-1]):
        assert tie(dict(pairs), [("z", "p", "z")], 5)["z", "p", "z"] == "a-p+b"


@given(COUNTS, st.integers(1, 12), st.randoms())
def test_the_order_of_counting_does_not_matter(counts: dict[Triphone, int], least: int, random) -> None:
    shuffled = list(counts.items())
    random.shuffle(shuffled)
    new = [("a", "b", "#"), ("#", "a", "#"), ("#", "c", "b")]
    assert tie(dict(shuffled), new, least) == tie(counts, new, least)
