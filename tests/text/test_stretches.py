"""Where words lie in a row of ids."""

from hypothesis import given
from hypothesis import strategies as st

from asr.text.stretches import stretches


@given(st.lists(st.integers(1, 3)))
def test_between_is_a_split(ids: list[int]) -> None:
    wanted = [part for part in "".join(map(str, ids)).split("1") if part]
    assert ["".join(map(str, ids[a:b])) for a, b in stretches(ids, between=(1,))] == wanted


@given(st.lists(st.integers(1, 3)))
def test_starting_ids_begin_words_and_none_is_lost(ids: list[int]) -> None:
    found = stretches(ids, between=(), starting=(1,))
    assert [i for a, b in found for i in ids[a:b]] == ids
    assert all(ids[a] == 1 for a, _ in found[1:]) and all(1 not in ids[a + 1 : b] for a, b in found)
