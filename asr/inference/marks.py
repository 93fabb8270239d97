"""Words with their times for tools that measure: NIST's CTM and Praat's TextGrid. Knows spans, not whose they are."""

from collections.abc import Iterable, Mapping

from asr.inference.confidence import confidence
from asr.types import Span


def sureness(span: Span) -> float:
    """The confidence of a span in [0, 1], uncalibrated where nobody calibrated it."""
    return confidence(span.score) if span.confidence is None else span.confidence


def ctm(id: str, words: Iterable[Span]) -> str:
    """NIST's time-marked conversation format, a line a word: recording, channel, start, duration, word, confidence."""
    name = "_".join(id.split())  # white space would be one more field
    return "".join(
        f"{name} 1 {word.start:.3f} {word.end - word.start:.3f} {word.text} {sureness(word):.4f}\n" for word in words
    )


def textgrid(duration: float, tiers: Mapping[str, Iterable[Span]]) -> str:
    """Praat's long text format, a tier for each name; what lies between its spans is an empty interval."""
    head = 'File type = "ooTextFile"\nObject class = "TextGrid"\n\nxmin = 0\n'
    body = "".join(_tier(i, name, spans, duration) for i, (name, spans) in enumerate(tiers.items(), 1))
    return f"{head}xmax = {duration:.6f}\ntiers? <exists>\nsize = {len(tiers)}\nitem []:\n{body}"


def _tier(number: int, name: str, spans: Iterable[Span], duration: float) -> str:
    whole = _without_gaps(spans, duration)
    lines = [
        f"    item [{number}]:",
        '        class = "IntervalTier"',
        f'        name = "{name}"',
        "        xmin = 0",
        f"        xmax = {duration:.6f}",
        f"        intervals: size = {len(whole)}",
    ]
    for i, span in enumerate(whole, 1):
        text = span.text.replace('"', '""')
        lines += [f"        intervals [{i}]:", f"            xmin = {span.start:.6f}"]
        lines += [f"            xmax = {span.end:.6f}", f'            text = "{text}"']
    return "\n".join(lines) + "\n"


def _without_gaps(spans: Iterable[Span], duration: float) -> list[Span]:
    """The spans, in order, with empty ones before, between and after them."""
    filled, at = [], 0.0
    for span in [*spans, Span("", duration, duration)]:
        if round(span.start, 6) > round(at, 6):
            filled.append(Span("", at, span.start))
        at = span.end
        filled += [span] if span.text else []
    return filled
