"""Texts within one word of each other, against the edit distance of words."""

from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz.distance import Levenshtein

from asr.data.near_texts import near_texts

TEXT = st.lists(st.sampled_from("abc"), max_size=7).map(" ".join)


@given(known=st.lists(TEXT, max_size=12), asked=st.lists(TEXT, max_size=6))
def test_as_the_edit_distance_says(known: list[str], asked: list[str]) -> None:
    for text, found in zip(asked, near_texts(known, asked), strict=True):
        words = text.split()
        near = [
            other
            for other in known
            if other == text
            or (min(len(words), len(other.split())) >= 4 and Levenshtein.distance(words, other.split()) <= 1)
        ]
        if found is None:
            assert not near
        else:
            assert found in near and (found == text or text not in known)


def test_equal_texts_of_any_length_and_white_space() -> None:
    assert near_texts(["stop", "a b", ""], ["stop", "a", "a  b"]) == ["stop", None, "a b"]
    assert near_texts(["turn the light on now"], ["turn the light on", "turn that light on now"]) == [
        "turn the light on now", "turn the light on now",
    ]  # fmt: skip
    assert near_texts(["a b c d", "a b c e"], ["a b c d"]) == near_texts(["a b c e", "a b c d"], ["a b c d"])
    assert near_texts(["on the light"], ["on the light now"]) == near_texts(["a b c d"], ["a b c"]) == [None]
    assert near_texts([], ["a"]) == [None] and near_texts(["a"], []) == []
