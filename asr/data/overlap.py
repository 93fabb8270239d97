"""What manifests share that they should not: ids, recordings, speakers, sentences."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from pathlib import Path

from asr.data.findings import Finding, Overlap, about
from asr.data.material import Manifests
from asr.data.near_texts import near_texts
from asr.data.recordings import Recording


def shared_ids(manifests: Manifests) -> Iterator[Finding]:
    """Ids that stand in two manifests."""
    for (a, first), (b, second) in combinations(manifests.items(), 2):
        ids = {u.id for u in first}
        for u in second:
            if u.id in ids:
                yield about(u.id, "shared id", f"stands in {a} and in {b}; expected one of them; drop it there")


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
                yield about(
                    u.id,
                    "shared audio",
                    f"{name} holds the same recording as utt {first} of {other}; expected it in one; drop it there",
                )


def overlaps(manifests: Manifests, texts: Mapping[str, Sequence[str]]) -> Iterator[Overlap]:
    """What each two manifests, and their normalised texts, have in common."""
    for (a, first), (b, second) in combinations(manifests.items(), 2):
        shared = {u.speaker for u in first if u.speaker} & {u.speaker for u in second if u.speaker}
        known = {text for text in texts[a] if text}
        found = zip(texts[b], near_texts(texts[a], texts[b]), strict=True)
        near = tuple((text, other) for text, other in found if other and text not in known)
        same = sum(text in known for text in texts[b])
        yield Overlap(a, b, len(second), tuple(sorted(map(str, shared))), same, near)


def overlap_findings(found: Sequence[Overlap]) -> Iterator[Finding]:
    """Up to three findings for each two manifests: speakers, texts, and texts but for a word."""
    for o in found:
        where = f"{o.first}, {o.second}:"
        if o.speakers:
            some = ", ".join(o.speakers[:5]) + (", …" if len(o.speakers) > 5 else "")
            what = f"speakers in both: {len(o.speakers)} ({some}); expected others"
            yield Finding("shared speakers", f"{where} {what}; results will flatter: split by speaker")
        if o.texts:
            what = f"{o.texts} of {o.utterances} texts of {o.second} stand in {o.first} too; expected new ones"
            yield Finding("shared sentences", f"{where} {what}; results say little of unseen sentences")
        if o.near:
            text, other = o.near[0]
            what = f"{len(o.near)} of {o.utterances} texts of {o.second} are ones of {o.first} but for a word"
            yield Finding(
                "nearly shared sentences",
                f"{where} {what} ({text!r}, {other!r}); expected new ones; results say little of unseen sentences",
            )
