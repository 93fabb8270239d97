"""The evaluate verb: a trained recogniser over a manifest, errors counted, results written."""

import time
from collections.abc import Callable
from pathlib import Path

from asr.build import System
from asr.data.manifest import read_manifest
from asr.errors import ManifestError
from asr.evaluation.results import Result, write_results
from asr.inference.recogniser import Recogniser, hypotheses
from asr.reporting import write_report
from asr.types import Utterance


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
    manifest, utterances = _utterances(manifest, split)
    out = out or _results_folder(run, manifest, split)
    started, results = time.perf_counter(), []
    for done, (utterance, transcript) in enumerate(hypotheses(recogniser, utterances), 1):
        advance(done / len(utterances))
        results.append(
            Result.of(
                id=utterance.id,
                audio=utterance.audio,
                reference=system.normalizer(utterance.text),
                hypothesis=system.normalizer(transcript.text),
                duration=utterance.duration,
                speaker=utterance.speaker,
            )
        )
    decoder = system.config.decoding.kind
    seconds = time.perf_counter() - started
    write_results(out, results, seconds=seconds, normalisation=system.normalizer.describe(), decoder=decoder)
    write_report(system, recogniser.emissions, run, manifest, utterances, out)
    return out


def _utterances(manifest: Path, split: str | None) -> tuple[Path, list[Utterance]]:
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


def _results_folder(run: Path, manifest: Path, split: str | None) -> Path:
    folder = run if run.is_dir() else run.parent
    return folder / "results" / manifest.stem
