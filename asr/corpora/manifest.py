"""A manifest somebody has, ours or NeMo's, as train, dev and test manifests of ours.

Knows the fields `split` and a missing `duration`; everything else of the format is asr.data.manifest's.
"""

from pathlib import Path

from asr.corpora.listing import Listed, prepare_listed
from asr.corpora.prepared import SPLITS, Progress, quiet
from asr.data.manifest import read_manifest
from asr.errors import ManifestError


def prepare(
    out: Path,
    *,
    source: Path,
    seed: int = 0,
    skip_bad: bool = False,
    progress: Progress = quiet,
) -> dict[str, Path]:
    """Split the JSONL manifest `source` by its `split` field, or 80/10/10 where it has none, into `out`.

    The recordings stay where they are; durations that are missing are read from them. Raises ManifestError: what
    read_manifest finds wrong, recordings that cannot be read, an `out` whose manifests would replace `source`.
    """
    if source.is_dir() and (source / "manifest.jsonl").is_file():
        source = source / "manifest.jsonl"
    if source.resolve() in [(out / f"{split}.jsonl").resolve() for split in SPLITS]:
        raise ManifestError(f"{source}: would be overwritten; expected another folder; mend --out")
    unmeasured: set[Path] = set()

    def later(audio: Path) -> float:
        unmeasured.add(audio)
        return 1.0  # stands in until all are measured at once

    listed = [
        Listed(
            utterance.id,
            utterance.audio,
            utterance.text,
            duration=None if utterance.audio in unmeasured else utterance.duration,
            speaker=utterance.speaker,
            split=utterance.extra.get("split"),
            offset=utterance.offset,
            extra={name: value for name, value in utterance.extra.items() if name != "split"},
        )
        for utterance in read_manifest(source, measure=later)
    ]
    return prepare_listed(out, "manifest", source, listed, seed=seed, skip_bad=skip_bad, progress=progress)
