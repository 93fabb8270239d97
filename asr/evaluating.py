"""The evaluate verb: a trained recogniser over a manifest, errors counted, results written."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from asr.build import System
from asr.data.manifest import read_manifest
from asr.errors import ManifestError
from asr.evaluation.results import Result, write_results
from asr.inference.recogniser import Recogniser, hypotheses
from asr.reporting import write_report
from asr.types import Span, Utterance


def evaluate_manifest(
    system: System,
    recogniser: Recogniser,
    run: Path,
    manifest: Path,
    split: str | None,
    out: Path | None,
    advance: Callable[[float], None] = lambda share: None,
) -> Path:
    """Transcribe the manifest, count errors against its normalised texts, write the results; → their folder."""
    manifest, utterances = utterances_of(manifest, split)
    out = out or folder_of(run) / "results" / manifest.stem
    started, results = time.perf_counter(), []
    for done, (utterance, transcript) in enumerate(hypotheses(recogniser, utterances), 1):
        advance(done / len(utterances))
        hypothesis = system.normalizer(transcript.text)
        results.append(
            Result.of(
                id=utterance.id,
                audio=utterance.audio,
                reference=system.normalizer(utterance.text),
                hypothesis=hypothesis,
                duration=utterance.duration,
                speaker=utterance.speaker,
                confidences=_confidences(spoken(system.normalizer, hypothesis, transcript.words)),
            )
        )
    decoder = system.describe_decoder()
    seconds = time.perf_counter() - started
    write_results(out, results, seconds=seconds, normalisation=system.normalizer.describe(), decoder=decoder)
    write_report(system, recogniser.emissions, run, manifest, utterances, out)
    return out


def utterances_of(manifest: Path, split: str | None) -> tuple[Path, list[Utterance]]:
    """The manifest read, and its utterances; of a folder, `split`.jsonl; of a file, the lines whose split it is."""
    if manifest.is_dir():
        manifest = manifest / f"{split or 'test'}.jsonl"
        return manifest, read_manifest(manifest)
    utterances = read_manifest(manifest)
    if split is None:
        return manifest, utterances
    if all("split" not in u.extra for u in utterances):
        if manifest.stem == split:
            return manifest, utterances
        raise ManifestError(
            f"{manifest}: no line says its split; expected a 'split' of {split!r} in some; leave out --split, or name "
            f"a folder with {split}.jsonl"
        )
    chosen = [u for u in utterances if u.extra.get("split") == split]
    if not chosen:
        known = sorted({str(u.extra.get("split")) for u in utterances})
        raise ManifestError(
            f"{manifest}: no utterance of split {split!r}; expected one of {', '.join(known)}; say another --split"
        )
    return manifest, chosen


def spoken(normalize: Callable[[str], str], hypothesis: str, spans: Sequence[Span]) -> list[Span] | None:
    """The spans of the normalised hypothesis' words; None where normalising puts its words together anew."""
    words = [replace(span, text=word) for span in spans for word in normalize(span.text).split()]
    return words if [word.text for word in words] == hypothesis.split() else None


def _confidences(spans: list[Span] | None) -> list[float] | None:
    return None if spans is None else [1.0 if span.confidence is None else span.confidence for span in spans]


def folder_of(run: Path) -> Path:
    """The run's folder, of a model.pt too."""
    return run if run.is_dir() else run.parent
