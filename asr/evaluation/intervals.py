"""The intervals of summary.json: of WER and CER, over utterances and speakers, which the reports read from there."""

from collections.abc import Mapping, Sequence
from typing import Any

from asr.evaluation import significance
from asr.evaluation.errors import ErrorCounts
from asr.evaluation.figures import both
from asr.evaluation.significance import CHARACTERS, LEVEL, METHOD, WORDS, Interval, interval

Stored = Mapping[str, Any]


def stored_intervals(
    words: Sequence[ErrorCounts], characters: Sequence[ErrorCounts], speakers: Sequence[str | None]
) -> dict[str, Any]:
    """Intervals of a corpus' rates from the counts of its utterances, as JSON: [low, high] as fractions, or null.

    Over speakers there are some where each utterance's is known and there are at least five.
    """
    named = None if None in speakers or not speakers else [str(speaker) for speaker in speakers]
    found: dict[str, Any] = {"method": METHOD, "level": LEVEL, "resamples": significance.RESAMPLES}
    for name, counts, together in (("wer", words, WORDS), ("cer", characters, CHARACTERS)):
        errors, lengths = [c.errors for c in counts], [c.reference_length for c in counts]
        over = {"utterances": interval(errors, lengths, None, together)}
        over["speakers"] = interval(errors, lengths, named, together) if named else None
        found[name] = {key: None if bounds is None else [bounds.low, bounds.high] for key, bounds in over.items()}
    return found


def read_interval(stored: Stored, rate: str, over: str) -> Interval | None:
    """The interval of `rate` (wer, cer) over utterances or speakers, of a summary's "intervals"."""
    bounds = stored.get(rate, {}).get(over)
    return None if bounds is None else Interval(*bounds)


def said_interval(stored: Stored, rate: str) -> str:
    """Both intervals of `rate` in brackets, in per cent; empty where there are none."""
    return both(read_interval(stored, rate, "utterances"), read_interval(stored, rate, "speakers"))
