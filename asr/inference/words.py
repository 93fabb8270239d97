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
    """The words of a hypothesis, split at the spaces of its text, with times clipped to `duration` [s].

    emissions (T, V) are log probabilities (nats), those of the recording's frames from `first` on; `frame_seconds`
    the time from frame to frame.
    """
    found = [_Word()]
    for token, local in zip(hypothesis.tokens, hypothesis.frames, strict=True):
        scores = emissions[local[0] : local[1], token]
        frames = (local[0] + first, local[1] + first)
        for i, piece in enumerate(tokenizer.decode([token]).split(" ")):
            if i:
                found.append(_Word())
            if piece:
                found[-1].add(piece, frames, scores)
    return tuple(word.span(frame_seconds, duration) for word in found if word.text)
