"""What manifests share that they should not: ids, recordings, speakers, sentences."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from pathlib import Path

from asr.data.findings import Finding
from asr.data.recordings import Recording
from asr.types import Utterance

Manifests = Mapping[str, Sequence[Utterance]]


def shared_ids(manifests: Manifests) -> Iterator[Finding]:
    """Ids that stand in two manifests."""
    for (a, first), (b, second) in combinations(manifests.items(), 2):
        ids = {u.id for u in first}
        for u in second:
            if u.id in ids:
                yield Finding("shared id", f"utt {u.id}: stands in {a} and in {b}; expected one of them; drop it there")


def shared_audio(manifests: Manifests, recordings: Mapping[Path, Recording]) -> Iterator[Finding]:
    """The same samples in two manifests, under whatever names."""
    seen: dict[tuple[str, float], tuple[str, str]] = {}
    for name, utterances in manifests.items():
        for u in utterances:
            recording = recordings[u.audio]
            if recording.error:
                continue
            other, first = seen.setdefault((recording.digest, round(u.offset, 3)), (name, u.id))
            if other != name:
                yield Finding(
                    "shared audio",
                    f"utt {u.id}: {name} holds the same recording as utt {first} of {other}; "
                    "expected it in one; drop it there",
                )


def shared_speakers(manifests: Manifests) -> Iterator[Finding]:
    """One finding for each two manifests with speakers in common."""
    for (a, first), (b, second) in combinations(manifests.items(), 2):
        shared = sorted({u.speaker for u in first if u.speaker} & {u.speaker for u in second if u.speaker})
        if shared:
            some = ", ".join(shared[:5]) + (", …" if len(shared) > 5 else "")
            yield Finding(
                "shared speakers",
                f"{a}, {b}: speakers in both: {len(shared)} ({some}); expected others; results will "
                "flatter: split by speaker",
            )


def shared_sentences(texts: Mapping[str, Sequence[str]]) -> Iterator[Finding]:
    """One finding for each two manifests with normalised texts in common (name → texts)."""
    for (a, first), (b, second) in combinations(texts.items(), 2):
        known = {text for text in first if text}
        count = sum(text in known for text in second)
        if count:
            yield Finding(
                "shared sentences",
                f"{a}, {b}: {count} of {len(second)} texts of {b} stand in {a} too; expected new ones; "
                "results say little of unseen sentences",
            )
