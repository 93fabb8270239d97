"""Seams and cuts: what two windows hear a frame apart is said once; cuts lie between words."""

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from asr.decoding.greedy import GreedyDecoder
from asr.inference.seams import Tokens, cut, seam
from asr.text.characters import CharTokenizer

TOKENIZER = CharTokenizer(["<blank>", " ", "a", "b", "c"])
TOKENS = Tokens.of(TOKENIZER)
IDS = {"_": 0, " ": 1, "a": 2, "b": 3, "c": 4}


def _emissions(script: str) -> Tensor:
    """Log probabilities (T, 5) that say one character of `script` a frame; `_` is the blank."""
    return (6.0 * torch.nn.functional.one_hot(torch.tensor([IDS[c] for c in script]), 5)).log_softmax(-1)


def _words(emissions: Tensor) -> list[str]:
    ((best,),) = GreedyDecoder()(emissions[None], torch.tensor([len(emissions)]))
    return TOKENIZER.decode(best.tokens).split()


def test_what_tokens_mean() -> None:
    assert TOKENS.quiet.tolist() == [True, True, False, False, False]
    assert TOKENS.space.tolist() == TOKENS.opens.tolist() == [False, True, False, False, False]


@st.composite
def _heard_twice(draw: st.DrawFn) -> tuple[list[str], str, str]:
    """Words, and two scripts that say them: letters up to a frame apart, spaces anywhere in their silence."""
    words = draw(st.lists(st.text("abc", min_size=1, max_size=5), min_size=1, max_size=12))
    scripts = ["", ""]
    for word in words:
        silence = draw(st.integers(3, 12))
        for i in (0, 1):
            space = draw(st.integers(0, silence - 1))
            scripts[i] += "".join(" " if t == space else "_" for t in range(silence))
            scripts[i] += "".join(draw(st.sampled_from([f"{c}__", f"_{c}_"])) for c in word)
    return words, scripts[0], scripts[1]


@given(_heard_twice(), st.data())
def test_no_word_is_lost_or_doubled_wherever_the_seam_is_looked_for(
    heard: tuple[list[str], str, str], data: st.DataObject
) -> None:
    words, left, right = heard
    low = data.draw(st.integers(0, len(left) - 4))
    high = data.draw(st.integers(low + 4, len(left)))
    place = seam(_emissions(left), _emissions(right), low, high, TOKENS)
    assert low <= place <= high
    assert _words(torch.cat([_emissions(left)[:place], _emissions(right)[place:]])) == words


def test_the_seam_lies_in_the_longest_silence() -> None:
    script = "a__b____________c___ab"  # quiet are [4, 16) and [17, 20)
    assert seam(_emissions(script), _emissions(script), 0, 22, TOKENS) == 10
    assert seam(_emissions(script), _emissions(script), 0, 7, TOKENS) == 7
    assert seam(_emissions(script), _emissions(script), 16, 22, TOKENS) in (16, 18)


def test_a_space_is_not_lost_between_two_windows() -> None:
    left, right = "a______ __b", "a__ ______b"
    place = seam(_emissions(left), _emissions(right), 0, 11, TOKENS)
    assert place > 7 or place <= 3
    assert _words(torch.cat([_emissions(left)[:place], _emissions(right)[place:]])) == ["a", "b"]


def test_where_nothing_is_quiet_the_windows_agree() -> None:
    assert seam(_emissions("aaabbb"), _emissions("cccbcc"), 0, 5, TOKENS) == 3


@given(_heard_twice(), st.integers(2, 200))
def test_cuts_split_no_word(heard: tuple[list[str], str, str], longest: int) -> None:
    """Where there is a space among the frames that may be taken, what is before and behind the cut are whole words."""
    words, script, _ = heard
    end = cut(_emissions(script[:longest]), TOKENS)
    assert 1 <= end <= min(longest, len(script))
    if " " in script[1:longest]:
        assert _words(_emissions(script[:end])) + _words(_emissions(script[end:])) == words


def test_where_a_cut_lies() -> None:
    assert cut(_emissions("a_____ _____ab______c_b_ _a_"), TOKENS) == 24  # the later half has a space
    assert cut(_emissions("a_____ _____abacacacacababab"), TOKENS) == 6
    assert cut(_emissions("a___________ab_______cab"), TOKENS) == 17  # no space anywhere: silence
    assert cut(_emissions("abcabc"), TOKENS) == 6
