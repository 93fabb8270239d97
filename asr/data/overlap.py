"""What manifests share that they should not: ids, recordings, speakers, sentences."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

from asr.data.findings import Finding, Overlap, about
from asr.data.material import Manifests
from asr.data.near_texts import near_texts
from asr.data.recordings import Recording

_SHARED = 0.5  # of the shorter of two stretches; neighbours that overlap at their edges share less


class SharedAudio(NamedTuple):
    """An utterance of a later manifest that is heard, for so many seconds, in one of an earlier manifest."""

    earlier: str
    earlier_id: str
    later: str
    later_id: str
    seconds: float


def shared_ids(manifests: Manifests) -> Iterator[Finding]:
    """Ids that stand in two manifests."""
    for (a, first), (b, second) in combinations(manifests.items(), 2):
        ids = {u.id for u in first}
        for u in second:
            if u.id in ids:
                yield about(b, u.id, "shared id", f"stands in {a} and in {b}; expected one of them; drop it there")


def shared_audio(manifests: Manifests, recordings: Mapping[Path, Recording]) -> list[SharedAudio]:
    """The same samples in two manifests, under whatever names: at least half of the shorter of two stretches.

    Each utterance is named once beside each manifest that its samples are in too.
    """
    places = {name: place for place, name in enumerate(manifests)}
    stretches: dict[str, list[tuple[float, float, str, str]]] = defaultdict(list)
    for name, utterances in manifests.items():
        for u in utterances:
            if not recordings[u.audio].error:
                stretches[recordings[u.audio].digest].append((u.offset, u.offset + u.duration, name, u.id))
    found: dict[tuple[str, str, str], SharedAudio] = {}
    for each in stretches.values():
        last: dict[str, tuple[float, float, str, str]] = {}  # the stretch of each manifest that ends last
        for stretch in sorted(each, key=lambda s: (s[0], places[s[2]])):
            for other in last.values():
                pair = _shared(*sorted((other, stretch), key=lambda s: places[s[2]]))
                if pair is not None:
                    found.setdefault((pair.earlier, pair.later, pair.later_id), pair)
            if stretch[2] not in last or stretch[1] > last[stretch[2]][1]:
                last[stretch[2]] = stretch
    return sorted(found.values(), key=lambda pair: (places[pair.later], places[pair.earlier]))


def _shared(a: tuple[float, float, str, str], b: tuple[float, float, str, str]) -> SharedAudio | None:
    """What stretches (start, end, manifest, id) of one recording share, if they are of two manifests and share much."""
    seconds = min(a[1], b[1]) - max(a[0], b[0])
    if a[2] == b[2] or seconds < _SHARED * min(a[1] - a[0], b[1] - b[0]):
        return None
    return SharedAudio(a[2], a[3], b[2], b[3], seconds)


def shared_audio_findings(found: Sequence[SharedAudio]) -> Iterator[Finding]:
    """An error for each."""
    for pair in found:
        what = f"{pair.later} holds the same recording as utt {pair.earlier_id} of {pair.earlier}"
        remedy = "expected it in one; drop it there"
        yield about(pair.later, pair.later_id, "shared audio", f"{what}, for {pair.seconds:.2f} s; {remedy}")


def overlaps(
    manifests: Manifests, texts: Mapping[str, Sequence[str]], same: Sequence[SharedAudio]
) -> Iterator[Overlap]:
    """What each two manifests, their normalised texts and their recordings (`same`) have in common."""
    heard = Counter((pair.earlier, pair.later) for pair in same)
    for (a, first), (b, second) in combinations(manifests.items(), 2):
        shared = {u.speaker for u in first if u.speaker} & {u.speaker for u in second if u.speaker}
        known = {text for text in texts[a] if text}
        found = zip(texts[b], near_texts(texts[a], texts[b]), strict=True)
        near = tuple((text, other) for text, other in found if other and text not in known)
        stand = sum(text in known for text in texts[b])
        yield Overlap(a, b, len(second), tuple(sorted(map(str, shared))), stand, near, heard[a, b])


def overlap_findings(found: Sequence[Overlap], speakers: int) -> Iterator[Finding]:
    """Up to three findings for each two manifests: speakers (where there are several in all), texts, texts but for a
    word."""
    for o in found:
        where = f"{o.first}, {o.second}:"
        if o.speakers and speakers > 1:
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
