"""What an evaluation leaves behind: results.jsonl, summary.json, report.txt and reliability.png.

Rates in the files for programs are fractions (wer 0.046); the report writes per cent with the sign (4.60 %).
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from math import isfinite
from operator import add
from pathlib import Path
from typing import Any

from asr.evaluation.errors import ErrorCounts, character_errors, word_errors
from asr.evaluation.intervals import stored_intervals
from asr.evaluation.pictures import draw_reliability
from asr.evaluation.reliability import Judged, Reliability, judged, reliability
from asr.evaluation.report import render_report
from asr.files import write_text


@dataclass(frozen=True, slots=True)
class Result:
    """One utterance evaluated: what was said, what was recognised, both normalised, and its duration [s]."""

    id: str
    audio: str
    reference: str
    hypothesis: str
    duration: float
    speaker: str | None
    words: ErrorCounts
    characters: ErrorCounts
    judged: tuple[Judged, ...] = ()  # the hypothesis' words with their confidences, where those are known

    @classmethod
    def of(
        cls,
        *,
        id: str,
        audio: Path | str,
        reference: str,
        hypothesis: str,
        duration: float,
        speaker: str | None = None,
        confidences: Sequence[float] | None = None,
    ) -> "Result":
        """The result of one utterance, its errors counted. Normalise both texts before; `confidences` are those of the
        hypothesis' words."""
        words, characters = word_errors(reference, hypothesis), character_errors(reference, hypothesis)
        sure = () if confidences is None else judged(reference, hypothesis, confidences)
        return cls(id, str(audio), reference, hypothesis, duration, speaker, words, characters, sure)

    def row(self) -> dict[str, Any]:
        """The line of results.jsonl."""
        return {
            "id": self.id,
            "audio": self.audio,
            "reference": self.reference,
            "hypothesis": self.hypothesis,
            "substitutions": self.words.substitutions,
            "deletions": self.words.deletions,
            "insertions": self.words.insertions,
            "reference_words": self.words.reference_length,
            "character_errors": self.characters.errors,
            "reference_characters": self.characters.reference_length,
            "speaker": self.speaker,
            "duration": self.duration,
            "confidences": [[word, round(confidence, 4), right] for word, confidence, right in self.judged],
        }


@dataclass(frozen=True, slots=True)
class Summary:
    """A corpus evaluated: counts summed over utterances and divided once. Durations in seconds."""

    words: ErrorCounts
    characters: ErrorCounts
    utterances: int
    wrong_utterances: int
    audio_seconds: float
    seconds: float
    normalisation: str
    decoder: str
    extra: Mapping[str, Any] = field(default_factory=dict)
    reliability: Reliability | None = None  # of the words' confidences, where those are known
    intervals: Mapping[str, Any] = field(default_factory=dict)  # of WER and CER, as stored_intervals makes them

    @property
    def wer(self) -> float:
        """Word error rate of the corpus, a fraction, never clamped."""
        return self.words.rate

    @property
    def cer(self) -> float:
        """Character error rate of the corpus, a fraction, never clamped."""
        return self.characters.rate

    @property
    def rtfx(self) -> float:
        """Seconds of audio recognised in a second: inverse real-time factor."""
        return self.audio_seconds / self.seconds if self.seconds > 0 else 0.0

    def row(self) -> dict[str, Any]:
        """The object of summary.json. A rate without a reference to measure against is null."""
        return {
            "wer": self.wer if isfinite(self.wer) else None,
            "cer": self.cer if isfinite(self.cer) else None,
            "intervals": self.intervals,
            "substitutions": self.words.substitutions,
            "deletions": self.words.deletions,
            "insertions": self.words.insertions,
            "reference_words": self.words.reference_length,
            "character_errors": self.characters.errors,
            "reference_characters": self.characters.reference_length,
            "utterances": self.utterances,
            "wrong_utterances": self.wrong_utterances,
            "audio_seconds": round(self.audio_seconds, 3),
            "seconds": round(self.seconds, 3),
            "rtfx": round(self.rtfx, 2),
            "normalisation": self.normalisation,
            "decoder": self.decoder,
            **({"confidence": self.reliability.row()} if self.reliability else {}),
            **self.extra,
        }


def write_results(
    out: Path,
    results: Iterable[Result],
    *,
    seconds: float,
    normalisation: str,
    decoder: str,
    extra: Mapping[str, Any] | None = None,
) -> Summary:
    """Write results.jsonl, summary.json, report.txt and, where confidences are known, reliability.png into `out`, and
    return the summary.

    `seconds` is the time recognition took; `normalisation` and `decoder` say under which conditions the rates
    hold; `extra` joins the summary.
    """
    results = list(results)
    summary = summarise(results, seconds, normalisation, decoder, extra or {})
    lines = (json.dumps(result.row(), ensure_ascii=False) + "\n" for result in results)
    write_text(out / "results.jsonl", "".join(lines))
    write_text(out / "report.txt", render_report(results, summary))
    if summary.reliability is not None:
        draw_reliability(summary.reliability, out / "reliability.png")
    write_text(out / "summary.json", json.dumps(summary.row(), ensure_ascii=False, indent=2) + "\n")
    return summary


def summarise(
    results: Sequence[Result], seconds: float, normalisation: str, decoder: str, extra: Mapping[str, Any]
) -> Summary:
    """The counts of all results summed, and the intervals of their rates."""
    words, characters = [result.words for result in results], [result.characters for result in results]
    return Summary(
        words=reduce(add, words, ErrorCounts()),
        characters=reduce(add, characters, ErrorCounts()),
        intervals=stored_intervals(words, characters, [result.speaker for result in results]),
        utterances=len(results),
        wrong_utterances=sum(result.words.errors > 0 for result in results),
        audio_seconds=sum(result.duration for result in results),
        seconds=seconds,
        normalisation=normalisation,
        decoder=decoder,
        extra=extra,
        reliability=reliability([word for result in results for word in result.judged]),
    )
