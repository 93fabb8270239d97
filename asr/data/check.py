"""Reads everything before training does: every recording to its end, every text, and what the splits share.

Knows models and tokenizers only as functions: what a text encodes to, how many frames so many samples become.
"""

import math
import statistics
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from asr.data.alike import alike, alike_findings
from asr.data.feasibility import Fit, infeasible
from asr.data.findings import Character, Finding, Report, Split, Word, about
from asr.data.material import Manifests, Material
from asr.data.overlap import overlap_findings, overlaps, shared_audio, shared_audio_findings, shared_ids
from asr.data.recordings import Recording
from asr.data.sounds import sound_findings
from asr.types import Utterance

TOLERANCE = 0.1  # s between the manifest and the file: the padding of codecs is at most half of it
_OUTLYING = 6.0  # robust standard deviations
_FEWEST = 20  # utterances without which nothing is an outlier


def check(
    material: Material,
    *,
    alphabet: Collection[str] | None = None,
    lexicon: Collection[str] | None = None,
    fit: Fit | None = None,
    sample_rate: int | None = None,
) -> Report:
    """Everything wrong or odd in the material.

    An error is what makes training fail, or makes what it learns or measures wrong: recordings that cannot be
    read, durations that are not the recording's, speech without a text, characters or words without a token,
    training targets that cannot fit (unless training is told to drop them and keeps others), the same recording in
    two manifests. A warning is what training runs with and somebody should look at: targets of other manifests that
    cannot fit, or those of training at the highest speed; odd sounds, outliers, copies, shared ids, speakers and
    sentences. `alphabet` holds the known characters and `lexicon` the known words (None: all are), `fit` says how
    frames and labels are counted (None: whether targets fit is not checked), `sample_rate` [Hz] is that of the features
    (None: what is usual). Nothing is raised.
    """
    manifests, texts, recordings = material.manifests, material.texts, material.recordings
    characters = _characters(manifests, texts, alphabet)
    words = _unknown_words(manifests, texts, lexicon) if lexicon is not None else ()
    unknown = {c.character for c in characters if not c.known}, {w.word for w in words}
    errors = [*_audio_errors(manifests, recordings), *_text_errors(manifests, texts)]
    errors += [*_unknown_errors(characters, alphabet or ()), *_word_errors(words, lexicon or ())]
    tight, warnings = infeasible(manifests, texts, recordings, *unknown, fit) if fit is not None else ([], [])
    same = shared_audio(manifests, recordings)
    errors += [*tight, *shared_audio_findings(same)]
    copies = tuple(alike(material))
    warnings += [*sound_findings(material, sample_rate)]
    warnings += [*_outliers(manifests, texts), *alike_findings(copies), *shared_ids(manifests)]
    shared = tuple(overlaps(manifests, texts, same))
    warnings += overlap_findings(shared, len({u.speaker for _, u in _each(manifests)}))
    splits = tuple(_split(name, us) for name, us in manifests.items())
    return Report(splits, characters, tuple(errors), tuple(warnings), words, copies, shared)


def _each(manifests: Manifests) -> Iterator[tuple[str, Utterance]]:
    for name, utterances in manifests.items():
        yield from ((name, u) for u in utterances)


def _audio_errors(manifests: Manifests, recordings: Mapping[Path, Recording]) -> Iterator[Finding]:
    """Unreadable files; stretches that leave their file; durations of whole files that are not the file's."""
    stretches: dict[Path, set[float]] = defaultdict(set)
    for _, u in _each(manifests):
        stretches[u.audio].add(u.offset)
    for name, u in _each(manifests):
        recording = recordings[u.audio]
        if recording.error:
            yield about(name, u.id, "unreadable audio", recording.error)
            continue
        found, end = recording.samples / recording.rate, u.offset + u.duration
        whole = stretches[u.audio] == {0.0}
        if end > found + TOLERANCE or (whole and end < found - TOLERANCE):
            yield about(
                name,
                u.id,
                "wrong duration",
                f"ends at {end:.2f} s but {u.audio} lasts {found:.2f} s; expected them to agree "
                f"within {TOLERANCE:g} s; mend duration or offset",
            )


def _text_errors(manifests: Manifests, texts: Mapping[str, Sequence[str]]) -> Iterator[Finding]:
    for name, utterances in manifests.items():
        for u, text in zip(utterances, texts[name], strict=True):
            if not text.strip():
                what = f"text {u.text!r} is empty" + (" after normalisation" if u.text.strip() else "")
                yield about(name, u.id, "empty text", f"{what}; expected words; add the transcript or drop it")


def _characters(
    manifests: Manifests, texts: Mapping[str, Sequence[str]], alphabet: Collection[str] | None
) -> tuple[Character, ...]:
    """Every character of the texts, the most frequent first."""
    counts: dict[str, int] = defaultdict(int)
    examples: dict[str, tuple[str, str]] = {}
    known = None if alphabet is None else set(alphabet)
    for name, utterances in manifests.items():
        for u, text in zip(utterances, texts[name], strict=True):
            for character in text:
                counts[character] += 1
                examples.setdefault(character, (name, u.id))
    ordered = sorted(counts, key=lambda c: (-counts[c], c))
    return tuple(Character(c, counts[c], *examples[c], known is None or c in known) for c in ordered)


def _unknown_errors(characters: Iterable[Character], alphabet: Collection[str]) -> Iterator[Finding]:
    for c in characters:
        if not c.known:
            yield about(
                c.manifest,
                c.example,
                "character outside the alphabet",
                f"{c.character!r} ({c.name}), {c.count} times in all, is not in the "
                f"alphabet ({len(alphabet)} characters); add it to text.replace, "
                "or put an utterance with it into the training manifest",
            )


def _unknown_words(
    manifests: Manifests, texts: Mapping[str, Sequence[str]], lexicon: Collection[str]
) -> tuple[Word, ...]:
    """Every word of the texts that is not in the lexicon, the most frequent first."""
    counts: dict[str, int] = defaultdict(int)
    examples: dict[str, tuple[str, str]] = {}
    known = set(lexicon)
    for name, utterances in manifests.items():
        for u, text in zip(utterances, texts[name], strict=True):
            for word in text.split():
                if word not in known:
                    counts[word] += 1
                    examples.setdefault(word, (name, u.id))
    return tuple(Word(w, counts[w], *examples[w]) for w in sorted(counts, key=lambda w: (-counts[w], w)))


def _word_errors(words: Iterable[Word], lexicon: Collection[str]) -> Iterator[Finding]:
    for w in words:
        yield about(
            w.manifest,
            w.example,
            "word outside the lexicon",
            f"{w.word!r}, {w.count} times in all, is not in the lexicon ({len(lexicon)} words); "
            "add it by hand, or let `asr lexicon` make its pronunciation",
        )


def _outliers(manifests: Manifests, texts: Mapping[str, Sequence[str]]) -> Iterator[Finding]:
    for name, utterances in manifests.items():
        durations = [u.duration for u in utterances]
        for i, typical in _outlying(durations, 0.35):
            yield about(
                name,
                utterances[i].id,
                "odd duration",
                f"lasts {durations[i]:.2f} s where the median of {name} is "
                f"{typical:.2f} s; expected the like; listen to it",
            )
        spoken = [u for u, text in zip(utterances, texts[name], strict=True) if text]
        rates = [len(text) / u.duration for u, text in zip(utterances, texts[name], strict=True) if text]
        for i, typical in _outlying(rates, 0.1):
            yield about(
                name,
                spoken[i].id,
                "odd rate of speech",
                f"{rates[i]:.1f} characters a second where the median of {name} is "
                f"{typical:.1f}; expected the like; compare audio and text",
            )


def _outlying(values: Sequence[float], least: float) -> list[tuple[int, float]]:
    """(index, median) of values far from the median in logarithm, by the median absolute deviation.

    The deviation counts as no less than `least`: where all values are alike, a little more is nothing odd.
    """
    if len(values) < _FEWEST:
        return []
    logs = [math.log(value) for value in values]
    middle = statistics.median(logs)
    deviation = statistics.median(abs(x - middle) for x in logs) / 0.6745  # of a normal distribution: sigma
    limit = _OUTLYING * max(deviation, least)
    return [(i, math.exp(middle)) for i, x in enumerate(logs) if abs(x - middle) > limit]


def _split(name: str, utterances: Sequence[Utterance]) -> Split:
    durations = [u.duration for u in utterances]
    spread = (min(durations), statistics.median(durations), max(durations)) if durations else (0.0, 0.0, 0.0)
    speakers = len({u.speaker for u in utterances if u.speaker})
    return Split(name, len(utterances), sum(durations) / 3600, speakers, spread)
