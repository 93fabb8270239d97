"""A decoder's hypothesis as text and words with times.

Times are those of the emissions: a CTC model speaks a token in a few frames, mostly somewhat after its sound
begins, with blanks between. A word starts and ends with the peaks of its first and last token, not its sound.
"""

from dataclasses import dataclass

from torch import Tensor

from asr.interfaces import Tokenizer
from asr.types import Hypothesis, Span


@dataclass(slots=True)
class _Word:
    text: str = ""
    start: int = 0
    end: int = 0
    score: float = 0.0  # nats, summed over `count` frames
    count: int = 0

    def add(self, text: str, frames: tuple[int, int], scores: Tensor) -> None:
        if not self.text:
            self.start = frames[0]
        self.text += text
        self.end = frames[1]
        self.score += float(scores.sum())
        self.count += len(scores)

    def span(self, frame_seconds: float, duration: float) -> Span:
        return timed(self.text, (self.start, self.end), self.score / max(1, self.count), frame_seconds, duration)


def timed(text: str, frames: tuple[int, int], score: float, frame_seconds: float, duration: float) -> Span:
    """Frames [start, end) as a span in seconds, clipped to `duration` [s]; `frame_seconds` from frame to frame."""
    start, end = (min(frame * frame_seconds, duration) for frame in frames)
    return Span(text, start, end, score)


def words(
    hypothesis: Hypothesis,
    emissions: Tensor,
    tokenizer: Tokenizer,
    frame_seconds: float,
    duration: float,
    first: int = 0,
) -> tuple[Span, ...]:
    """The words of a hypothesis, those of its lexicon or split at the spaces of its text, with times.

    Times are clipped to `duration` [s].

    emissions (T, V) are log probabilities (nats), those of the recording's frames from `first` on; `frame_seconds`
    the time from frame to frame.
    """
    frames = [(start + first, end + first) for start, end in hypothesis.frames]
    scores = [
        emissions[start:end, token]
        for token, (start, end) in zip(hypothesis.tokens, hypothesis.frames, strict=True)
    ]
    found = []
    for pieces in _pieces(hypothesis, tokenizer):
        word = _Word()
        for i, text in pieces:
            word.add(text, frames[i], scores[i])
        found.append(word)
    return tuple(word.span(frame_seconds, duration) for word in found if word.text)


def _pieces(hypothesis: Hypothesis, tokenizer: Tokenizer) -> list[list[tuple[int, str]]]:
    """For each word its tokens' places and what each of them adds to its text."""
    if hypothesis.words is not None:  # the whole text comes with the first token
        return [
            [(i, text if i == start else "") for i in range(start, end)] for text, start, end in hypothesis.words
        ]
    found: list[list[tuple[int, str]]] = [[]]
    for i, token in enumerate(hypothesis.tokens):
        for k, piece in enumerate(tokenizer.decode([token]).split(" ")):
            if k:
                found.append([])
            if piece:
                found[-1].append((i, piece))
    return found
