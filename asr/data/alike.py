"""Utterances that sound the same: copies within a manifest or across, and whether their texts agree."""

from collections.abc import Iterator, Sequence

from asr.data.findings import Alike, Finding, about
from asr.data.material import Material, Spoken
from asr.data.near_audio import WHOLE, Groups, Pair, near_recordings

_AGREE = 0.05  # s that two copies of a stretch may begin or end apart


def alike(material: Material) -> list[Alike]:
    """Every utterance that sounds like an earlier one, beside the first such. What cannot be read is passed over.

    Utterances that are a part of another are named beside that, those that are the same as several beside the first.
    """
    heard = [spoken for spoken in material if spoken.measures is not None and spoken.measures.peak > 0]
    copies = _same_samples(heard, material)
    others = [spoken for i, spoken in enumerate(heard) if i not in copies]
    found = [Alike(heard[first], heard[i], 0.0, 1.0, True) for i, first in copies.items()]
    pairs = near_recordings([spoken.measures.codes for spoken in others if spoken.measures is not None])
    pairs = [pair for pair in pairs if not _overlap(others[pair.first], others[pair.second])]
    return [*found, *_near(others, pairs)]


def _same_samples(heard: Sequence[Spoken], material: Material) -> dict[int, int]:
    """The place of each utterance whose samples are those of an earlier one → the place of the first such."""
    first: dict[tuple[str, int], list[int]] = {}
    found = {}
    for i, spoken in enumerate(heard):
        u, digest = spoken.utterance, material.recordings[spoken.utterance.audio].digest
        near = (j for step in (-1, 0, 1) for j in first.get((digest, _bucket(u.offset) + step), ()))
        same = next((j for j in near if _agree(heard[j], spoken)), None)
        if same is None:
            first.setdefault((digest, _bucket(u.offset)), []).append(i)
        else:
            found[i] = same
    return found


def _bucket(offset: float) -> int:
    return round(offset / _AGREE)


def _agree(a: Spoken, b: Spoken) -> bool:
    x, y = a.utterance, b.utterance
    return abs(x.offset - y.offset) <= _AGREE and abs(x.duration - y.duration) <= _AGREE


def _near(others: Sequence[Spoken], pairs: Sequence[Pair]) -> Iterator[Alike]:
    """One for each utterance but the first of every group that sounds the same, and for each that is a part."""
    groups, joined = Groups(len(others)), dict[int, float]()
    for pair in pairs:
        if pair.match.of_longer >= WHOLE:
            groups.join(pair.first, pair.second)
            for member in pair[:2]:
                joined[member] = min(pair.match.difference, joined.get(member, 1.0))
    same = [i for i in joined if groups.of(i) != i]
    yield from (Alike(others[groups.of(i)], others[i], joined[i], 1.0, False) for i in sorted(same))
    named = set(same)
    for pair in sorted(pairs, key=lambda pair: pair.match.difference):
        if pair.match.of_longer < WHOLE and pair.second not in named:
            named.add(pair.second)
            yield Alike(others[pair.first], others[pair.second], *pair.match[::2], False)


def _overlap(a: Spoken, b: Spoken) -> bool:
    """Whether both are stretches of one file that share seconds, as windows over it do."""
    x, y = a.utterance, b.utterance
    return x.audio == y.audio and min(x.offset + x.duration, y.offset + y.duration) > max(x.offset, y.offset)


def alike_findings(found: Sequence[Alike]) -> Iterator[Finding]:
    """Warnings; the same samples in two manifests are an error that asr.data.overlap reports."""
    for pair in found:
        kind, what = _said(pair)
        if kind:
            yield about(pair.second.manifest, pair.second.utterance.id, kind, what)


def _said(pair: Alike) -> tuple[str, str]:
    """The kind of finding and its words; nothing where it is an error elsewhere."""
    a, b = pair.first, pair.second
    other, across = f"utt {a.utterance.id} of {a.manifest}", a.manifest != b.manifest
    where = f"in {b.manifest}, sounds like {other}"
    if pair.contradict:
        what = f"{where} but says {b.text!r} there {a.text!r}; expected one text for one sound"
        return "one sound, two texts", f"{what}; listen to it, and mend or drop one"
    if pair.share < WHOLE:
        what = f"in {b.manifest}, and {other} share their sound: {100 * pair.share:.0f} % of the longer one"
        return "a part of another", f"{what}; expected it once; listen to both"
    if across and not pair.copy:
        what = f"{where} ({100 * pair.difference:.0f} % of the fingerprint differs); expected it in one"
        return "near-duplicate audio across manifests", f"{what}; drop it there"
    if across:
        return "", ""
    return "duplicate audio", f"{where}; expected it once; drop one, unless it is meant to weigh double"
