"""Subtitles: every word once and in order, cues short enough to read, files that read back."""

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr.inference.subtitles import cues, srt, vtt
from asr.types import Span

SRT = re.compile(r"(\d+)\n(\d\d+):(\d\d):(\d\d),(\d{3}) --> (\d\d+):(\d\d):(\d\d),(\d{3})\n((?:.+\n)+)\n")
VTT = re.compile(r"\n()(\d\d+):(\d\d):(\d\d)\.(\d{3}) --> (\d\d+):(\d\d):(\d\d)\.(\d{3})\n((?:.+\n)+)")


def _read(pattern: re.Pattern[str], text: str) -> list[tuple[int, int, str]]:
    """Start and end [ms] and text of each cue; nothing but cues is allowed."""
    assert pattern.sub("", text) == ""
    found = []
    for _, h, m, s, ms, h2, m2, s2, ms2, said in pattern.findall(text):
        assert max(int(x) for x in (m, s, m2, s2)) < 60
        start, end = (int(a) * 3600_000 + int(b) * 60_000 + int(c) * 1000 + int(d) for a, b, c, d in
                      ((h, m, s, ms), (h2, m2, s2, ms2)))  # fmt: skip
        found.append((start, end, said.rstrip("\n")))
    return found


def _unescaped(text: str) -> str:
    assert not re.search(r"[<>]|&(?!amp;|lt;|gt;)", text)
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


WORD = st.tuples(
    st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S"]), min_size=1, max_size=50),
    st.integers(0, 150),  # frames of silence before it
    st.integers(1, 60),  # frames it lasts
)


@st.composite
def _speech(draw: st.DrawFn) -> tuple[list[Span], float]:
    step, at = draw(st.floats(0.01, 0.06)), draw(st.integers(0, 200_000))
    spans = []
    for text, silence, length in draw(st.lists(WORD, max_size=40)):
        at += silence
        spans.append(Span(text, at * step, (at + length) * step))
        at += length
    return spans, at * step + draw(st.sampled_from([0.001, 2.0]))


@given(_speech())
def test_every_rule_of_cues_holds(speech: tuple[list[Span], float]) -> None:
    words, duration = speech
    found = cues(words, duration)
    assert [word for cue in found for line in cue.lines for word in line.split(" ")] == [w.text for w in words]
    for cue in found:
        assert 1 <= len(cue.lines) <= 2 and all(len(line) <= 42 or " " not in line for line in cue.lines)
        assert 0 <= cue.end - cue.start <= 7001
    assert all(a.end <= b.start for a, b in itertools.pairwise(found))
    for cue, after in itertools.pairwise([*found, None]):
        room = round(duration * 1000) if after is None else after.start
        assert cue.end - cue.start >= min(800, room - cue.start) - 1
    starts = [round(word.start * 1000) for word in words]
    for before, word in itertools.pairwise(words):
        if word.start - before.end >= 0.6:
            assert starts[words.index(word)] in {cue.start for cue in found}


@given(_speech())
def test_files_read_back(speech: tuple[list[Span], float]) -> None:
    words, duration = speech
    expected = [(cue.start, cue.end, "\n".join(cue.lines)) for cue in cues(words, duration)]
    assert _read(SRT, srt(words, duration)) == expected
    header, text = vtt(words, duration)[:7], vtt(words, duration)[7:]
    assert header == "WEBVTT\n"
    assert [(a, b, _unescaped(said)) for a, b, said in _read(VTT, text)] == expected


def test_the_files_to_the_letter() -> None:
    words = [Span("a<b", 3661.0, 3661.5), Span("&", 3661.6, 3661.7), Span("late", 3662.5, 3662.6)]
    assert srt(words, 3663.0) == (
        "1\n01:01:01,000 --> 01:01:01,800\na<b &\n\n2\n01:01:02,500 --> 01:01:03,000\nlate\n\n"
    )
    assert vtt(words, 3663.0) == (
        "WEBVTT\n\n01:01:01.000 --> 01:01:01.800\na&lt;b &amp;\n\n01:01:02.500 --> 01:01:03.000\nlate\n"
    )
    assert (srt([], 9.0), vtt([], 9.0)) == ("", "WEBVTT\n")


@pytest.mark.parametrize(
    ("words", "count"),
    [
        ([Span("a", i * 0.5, i * 0.5 + 0.3) for i in range(14)], 1),  # 6.8 s without a pause
        ([Span("a", i * 0.5, i * 0.5 + 0.3) for i in range(15)], 2),
        ([Span("abcdefghij", i * 0.1, i * 0.1 + 0.1) for i in range(6)], 1),  # 3 words of 32 characters a line
        ([Span("abcdefghij", i * 0.1, i * 0.1 + 0.1) for i in range(7)], 2),
        ([Span("a", 0.0, 0.1), Span("b", 0.7, 0.8)], 2),
        ([Span("a", 0.0, 0.11), Span("b", 0.7, 0.8)], 1),
    ],
)
def test_where_a_cue_ends(words: list[Span], count: int) -> None:
    assert len(cues(words, 60.0)) == count
