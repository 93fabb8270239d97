"""Words as subtitles: cues that can be read in time, as SubRip (srt) and WebVTT (vtt).

The bounds are those broadcasters ask for: two lines of 42 characters, seven seconds at most. A CTC model says no
punctuation, so pauses are what a cue may end at.
"""

import itertools
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from asr.types import Span

_LINE = 42  # characters
_LINES = 2
_LONGEST = 7.0  # s
_SHORTEST = 0.8  # s, where the next cue leaves room
_PAUSE = 0.6  # s of silence that end a cue


@dataclass(frozen=True, slots=True)
class Cue:
    """What is shown from `start` to `end` [ms]."""

    start: int
    end: int
    lines: tuple[str, ...]


def cues(words: Iterable[Span], duration: float) -> list[Cue]:
    """Words in order, none split or lost, as cues that do not overlap and end with the recording, of `duration` [s].

    A word longer than a line has a line of its own.
    """
    groups = list(_groups(words))
    limits = [*(group[0].start for group in groups[1:]), duration]
    return [_cue(group, limit) for group, limit in zip(groups, limits, strict=False)]


def _groups(words: Iterable[Span]) -> Iterator[list[Span]]:
    group: list[Span] = []
    for word in words:
        if group and _ends(group, word):
            yield group
            group = []
        group.append(word)
    if group:
        yield group


def _ends(group: Sequence[Span], word: Span) -> bool:
    """Whether a cue ends before `word`."""
    if word.start - group[-1].end >= _PAUSE or word.end - group[0].start > _LONGEST:
        return True
    return len(_wrapped([*group, word])) > _LINES


def _wrapped(group: Iterable[Span]) -> list[str]:
    text = " ".join(word.text for word in group)
    return textwrap.wrap(text, _LINE, break_long_words=False, break_on_hyphens=False)


def _cue(group: Sequence[Span], limit: float) -> Cue:
    """`limit` [s] is when the next cue begins, or the recording ends."""
    start = group[0].start
    end = min(max(group[-1].end, start + _SHORTEST), start + _LONGEST, max(limit, start))
    return Cue(_milliseconds(start), _milliseconds(end), tuple(_wrapped(group)))


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)


def srt(words: Iterable[Span], duration: float) -> str:
    """SubRip: numbered cues, times with a decimal comma; the format knows no escapes."""
    return "".join(
        f"{i}\n{_time(cue.start, ',')} --> {_time(cue.end, ',')}\n{chr(10).join(cue.lines)}\n\n"
        for i, cue in enumerate(cues(words, duration), 1)
    )


def vtt(words: Iterable[Span], duration: float) -> str:
    """WebVTT: a header, then cues; `&`, `<` and `>` are escaped."""
    blocks = (
        f"{_time(cue.start, '.')} --> {_time(cue.end, '.')}\n" + "".join(f"{_escaped(line)}\n" for line in cue.lines)
        for cue in cues(words, duration)
    )
    return "\n".join(itertools.chain(["WEBVTT\n"], blocks))


def _time(milliseconds: int, point: str) -> str:
    seconds, thousandths = divmod(milliseconds, 1000)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}{point}{thousandths:03d}"


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
