"""A decoder's hypothesis as text and words with times.

Times are those of the emissions: a CTC model speaks a token in a few frames, mostly somewhat after its sound
begins, with blanks between. A word starts and ends with the peaks of its first and last token, not its sound.
"""

from collections.abc import Sequence

from torch import Tensor

from asr.interfaces import Tokenizer
from asr.types import Hypothesis, Span


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
    """The words of a hypothesis, those a lexicon chose or its tokens spell, with times.

    Times are clipped to `duration` [s].

    emissions (T, V) are log probabilities (nats), those of the recording's frames from `first` on; `frame_seconds`
    the time from frame to frame.
    """
    found = hypothesis.words if hypothesis.words is not None else spelt(hypothesis.tokens, tokenizer)
    spans = []
    for text, start, end in found:
        frames = hypothesis.frames[start:end]
        tokens = hypothesis.tokens[start:end]
        scores = [emissions[a:b, token].sum().item() for token, (a, b) in zip(tokens, frames, strict=True)]
        score = sum(scores) / max(1, sum(b - a for a, b in frames))
        spans.append(timed(text, (frames[0][0] + first, frames[-1][1] + first), score, frame_seconds, duration))
    return tuple(spans)


def spelt(tokens: Sequence[int], tokenizer: Tokenizer, text: str | None = None) -> tuple[tuple[str, int, int], ...]:
    """The words that tokens spell, each with its tokens [start, end); where their `text` is known, its words."""
    stretches = tokenizer.words(tokens)
    known = None if text is None else text.split()
    if known is None or len(known) != len(stretches):
        known = [tokenizer.decode(tokens[start:end]).strip() for start, end in stretches]
    return tuple((word, start, end) for word, (start, end) in zip(known, stretches, strict=True) if word)
