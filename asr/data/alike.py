"""Utterances that sound the same: copies within a manifest or across, and whether their texts agree."""

from collections.abc import Iterator, Sequence

from asr.data.findings import Alike, Finding, about
from asr.data.material import Material, Spoken
from asr.data.near_audio import near_recordings


def alike(material: Material) -> list[Alike]:
    """Every utterance that sounds like an earlier one, beside that one. What cannot be read is passed over."""
    first: dict[tuple[str, float, float], Spoken] = {}
    found = []
    for spoken in material:
        if spoken.measures is None or spoken.measures.peak == 0:
            continue
        u = spoken.utterance
        sound = (material.recordings[u.audio].digest, round(u.offset, 3), round(u.duration, 3))
        other = first.setdefault(sound, spoken)
        if other is not spoken:
            found.append(Alike(other, spoken, 0.0, 1.0, True))
    different = list(first.values())
    codes = [spoken.measures.codes for spoken in different if spoken.measures is not None]
    for pair in near_recordings(codes):
        a, b = different[pair.first], different[pair.second]
        if not _overlap(a, b):
            found.append(Alike(a, b, pair.match.difference, pair.match.of_longer, False))
    return found


def _overlap(a: Spoken, b: Spoken) -> bool:
    """Whether both are stretches of one file that share seconds, as windows over it do."""
    x, y = a.utterance, b.utterance
    return x.audio == y.audio and min(x.offset + x.duration, y.offset + y.duration) > max(x.offset, y.offset)


def alike_findings(found: Sequence[Alike]) -> Iterator[Finding]:
    """Warnings; the same samples in two manifests are an error that asr.data.overlap reports."""
    for pair in found:
        a, b = pair.first, pair.second
        where = f"in {b.manifest}, sounds like utt {a.utterance.id} of {a.manifest}"
        if pair.contradict:
            what = f"{where} but says {b.text!r} there {a.text!r}; expected one text for one sound"
            yield about(b.utterance.id, "one sound, two texts", f"{what}; listen to it, and mend or drop one")
        elif a.manifest != b.manifest and not pair.copy:
            what = f"{where} ({100 * pair.difference:.0f} % of the fingerprint differs); expected it in one"
            yield about(b.utterance.id, "near-duplicate audio across manifests", f"{what}; drop it there")
        elif a.manifest == b.manifest:
            yield about(
                b.utterance.id,
                "duplicate audio",
                f"{where}; expected it once; drop one, unless it is meant to weigh double",
            )
