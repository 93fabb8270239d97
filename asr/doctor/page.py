"""What a check found, put together for the page: figures of every utterance, tables, findings."""

import platform
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Any

import asr
from asr.checking import Checked
from asr.data.coverage import coverage
from asr.data.findings import Alike, Finding
from asr.data.material import Material, Spoken
from asr.decoding.setup import counts_words, read_words, units_of
from asr.doctor.doubts import Doubts
from asr.evaluation.data_report import DataPage, Line
from asr.evaluation.sounds import Sound
from asr.interfaces import PhoneticTokenizer
from asr.lm.ngram import NGram

Row = Mapping[str, Any]


def page_of(checked: Checked, doubts: Doubts | None, seconds: float) -> DataPage:
    """The page's content; `seconds` is how long reading took.

    Raises what reading the language model and the lexicon of the configuration raises.
    """
    material, report = checked.material, checked.report
    notes, gaps = _notes(checked), {} if doubts is None else {a.manifest: a.gaps for a in doubts.agreements}
    counts = Counter(text for said in material.texts.values() for text in said if text)
    return DataPage(
        manifests=[asdict(split) for split in report.splits],
        findings=[*_grouped("error", report.errors), *_grouped("warning", report.warnings)],
        lines=[
            _line(spoken, notes[spoken.manifest, spoken.utterance.id], gaps.get(spoken.manifest, {}))
            for spoken in material
        ],
        formats=_formats(material),
        characters=_characters(checked),
        coverage=[asdict(found) for found in _coverage(checked)],
        overlaps=_overlaps(checked),
        copies=[_copy(pair) for pair in report.copies],
        texts=[(text, count) for text, count in counts.most_common(100) if count > 1],
        doubts=None if doubts is None else doubts.doubts,
        facts=_facts(checked, doubts, seconds),
    )


def _grouped(title: str, findings: Sequence[Finding]) -> Iterator[tuple[str, str, list[str]]]:
    kinds: dict[str, list[str]] = defaultdict(list)
    for finding in findings:
        kinds[finding.kind].append(finding.message)
    yield from ((title, kind, lines) for kind, lines in kinds.items())


def _notes(checked: Checked) -> Mapping[tuple[str, str], list[str]]:
    """The kinds of findings by (manifest, id), and those of unknown characters and words in every text with one."""
    report, notes = checked.report, defaultdict[tuple[str, str], list[str]](list)
    for finding in (*report.errors, *report.warnings):
        for id in finding.ids:
            notes[finding.manifest or "", id].append(finding.kind)
    characters = {c.character for c in report.characters if not c.known}
    words = {word.word for word in report.words}
    for spoken in checked.material:
        if not characters.isdisjoint(spoken.text):
            notes[spoken.manifest, spoken.utterance.id].append("character outside the alphabet")
        if not words.isdisjoint(spoken.text.split()):
            notes[spoken.manifest, spoken.utterance.id].append("word outside the lexicon")
    return notes


def _line(spoken: Spoken, notes: Sequence[str], gaps: Mapping[str, float]) -> Line:
    u, m = spoken.utterance, spoken.measures
    figures = {"seconds": u.duration, "words": float(len(spoken.text.split())), "rate": len(spoken.text) / u.duration}
    if m is not None:
        figures |= {
            "level": m.level, "noise_ratio": m.noise_ratio, "silent": 100 * m.silent, "pause": m.lead + m.trail,
            "clipped": 100 * m.clipped, "offset": 100 * m.offset, "bandwidth": m.bandwidth,
        }  # fmt: skip
    if u.id in gaps:
        figures["gap"] = gaps[u.id]
    return Line(spoken.manifest, u.id, u.speaker, spoken.text, Sound(u.audio, u.duration, u.offset), figures, notes)


def _formats(material: Material) -> list[Row]:
    """Kinds of files, the one with the most hours first."""
    found: dict[tuple[str, int, int], list[float]] = defaultdict(list)
    for path, recording in material.recordings.items():
        if not recording.error:
            kind = (path.suffix.lower().lstrip(".") or "?", recording.rate, recording.channels)
            found[kind].append(recording.samples / recording.rate / 3600)
    rows = [
        {"format": format, "rate": rate, "channels": channels, "files": len(hours), "hours": sum(hours)}
        for (format, rate, channels), hours in found.items()
    ]
    return sorted(rows, key=lambda row: -row["hours"])


def _characters(checked: Checked) -> list[Row]:
    """Every character with its counts in each manifest: unknown ones first, then the commonest."""
    counts = [Counter("".join(texts)) for texts in checked.material.texts.values()]
    rows = [
        {"character": c.character, "name": c.name, "known": c.known, "example": c.example,
         "counts": [count[c.character] for count in counts]}
        for c in checked.report.characters
    ]  # fmt: skip
    return sorted(rows, key=lambda row: row["known"])


def _coverage(checked: Checked) -> list[Any]:
    """What training, the lexicons and the language model of the configuration know of the words."""
    texts, options = checked.material.texts, checked.config
    first = next(iter(texts))
    vocabularies: dict[str, Any] = {first: {word for text in texts[first] for word in text.split()}}
    perplexity: Callable[[Sequence[str]], float] | None = None
    if isinstance(checked.tokenizer, PhoneticTokenizer):
        vocabularies["the pronunciations"] = checked.tokenizer.vocabulary
    if options is not None and options.decoding.lexicon is not None:
        vocabularies["the lexicon"] = set(read_words(options.decoding.lexicon))
    if options is not None and options.decoding.lm is not None:
        lm = NGram.read(options.decoding.lm).opened()
        if counts_words(options.decoding, units_of(checked.tokenizer), lm):
            vocabularies["the language model"] = lm.ids

            def of_words(said: Sequence[str]) -> float:
                return lm.perplexity(text.split() for text in said if text)

            perplexity = of_words
    return coverage(texts, vocabularies, perplexity)


def _overlaps(checked: Checked) -> list[Row]:
    near = Counter((p.first.manifest, p.second.manifest) for p in checked.report.copies if not p.copy)
    return [
        {"first": o.first, "second": o.second, "speakers": len(o.speakers), "texts": o.texts / max(1, o.utterances),
         "near_texts": len(o.near) / max(1, o.utterances),
         "recordings": o.recordings,
         "near_recordings": near[o.first, o.second] + near[o.second, o.first]}
        for o in checked.report.overlaps
    ]  # fmt: skip


def _copy(pair: Alike) -> Row:
    a, b = pair.first, pair.second
    return {
        "first": a.utterance.id, "first_manifest": a.manifest, "first_text": a.text,
        "second": b.utterance.id, "second_manifest": b.manifest, "second_text": b.text,
        "difference": pair.difference, "share": pair.share, "same_samples": pair.copy,
    }  # fmt: skip


def _facts(checked: Checked, doubts: Doubts | None, seconds: float) -> dict[str, str]:
    material = checked.material
    audio = sum(r.samples / r.rate for path, r in material.recordings.items() if path not in material.reused)
    facts = {"read": f"{audio:.0f} s of audio in {seconds:.1f} s: {audio / max(seconds, 1e-9):.0f} × real time"}
    if material.reused:
        facts["kept"] = f"{len(material.reused)} of {len(material.recordings)} files were read before"
    for name in checked.material.manifests:
        facts[f"manifest {name}"] = f"sha256 {sha256(Path(name).read_bytes()).hexdigest()}"
    for a in () if doubts is None else doubts.agreements:
        facts[f"aligned {a.manifest}"] = (
            f"{len(a.gaps)} transcripts, {len(a.failed)} could not be; gap in the middle {a.median:.2f} nats a token, "
            f"of outliers above {a.limit:.2f}"
        )
    facts["versions"] = f"asr {asr.__version__}, Python {platform.python_version()}"
    facts["written"] = time.strftime("%Y-%m-%d %H:%M:%S %z")
    return facts
