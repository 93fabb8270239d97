"""Transcripts that a trained model disagrees with, in every manifest that is checked."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from asr.data.findings import Finding, about
from asr.data.kept import Kept
from asr.errors import AsrError
from asr.evaluation.data_report import Doubt
from asr.inference.aligner import aligned
from asr.inference.alignments import Fit, suspects, threshold
from asr.inference.recogniser import Recogniser
from asr.types import Utterance

Found = dict[str, Any]
DISAGREE = (
    0.5  # nats a token: where the middle is above, most transcripts are not what is heard (asr.inference.alignments)
)
_FEW = 4  # that cannot be aligned are named each


@dataclass(frozen=True, slots=True)
class Agreement:
    """How a manifest fits the model: the gap of every utterance aligned (id → nats a token), the limit above which one
    is an outlier, and what could not be aligned."""

    manifest: str
    gaps: Mapping[str, float]
    limit: float
    failed: Sequence[AsrError]

    @property
    def median(self) -> float:
        """The middle gap; 0 without any."""
        return median(self.gaps.values()) if self.gaps else 0.0


@dataclass(frozen=True, slots=True)
class Doubts:
    """The transcripts that may be wrong, the worst first, and how each manifest fits."""

    doubts: Sequence[Doubt]
    agreements: Sequence[Agreement]

    def findings(self) -> list[Finding]:
        """A warning for each doubt and each utterance that could not be aligned; where that is most, one for all."""
        found = [finding for agreement in self.agreements for finding in _of_all(agreement)]
        found += [about(d.manifest, d.id, "text and audio disagree", _words(d)) for d in self.doubts]
        for agreement in self.agreements:
            if not _mostly_failed(agreement):
                found += [Finding("not aligned", str(error), agreement.manifest) for error in agreement.failed]
        return found


def _of_all(agreement: Agreement) -> Iterator[Finding]:
    name, gaps, failed = agreement.manifest, agreement.gaps, agreement.failed
    if _mostly_failed(agreement):
        what = f"{name}: {len(failed)} of {len(failed) + len(gaps)} transcripts cannot be laid onto their recordings"
        remedy = f"is the model one of this alphabet and language? First: {failed[0]}"
        yield Finding("not aligned", f"{what}; expected most to be; {remedy}", name)
    elif agreement.median > DISAGREE:
        what = f"{name}: the model disagrees with most transcripts ({agreement.median:.2f} nats a token in the middle)"
        remedy = "listen to some: are texts beside the wrong recordings? Or is the model too weak here?"
        yield Finding("most texts and audio disagree", f"{what}; expected {DISAGREE:g} or less; {remedy}", name)


def _mostly_failed(agreement: Agreement) -> bool:
    return len(agreement.failed) > max(_FEW, len(agreement.gaps))


def _words(doubt: Doubt) -> str:
    what = f"the model hears {doubt.heard!r} where {doubt.said!r} is written ({doubt.gap:.2f} nats a token)"
    return f"in {doubt.manifest}, {what}; expected the same; listen to it"


def digest_of(run: Path) -> str:
    """What tells one trained model from another: the digest of its file, of a run folder's too."""
    with (run / "model.pt" if run.is_dir() else run).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]


def doubts_of(
    recogniser: Recogniser,
    normalize: Callable[[str], str],
    digest: str,
    manifests: Mapping[str, Sequence[Utterance]],
    kept: Kept[Found] | None,
    advance: Callable[[float], None] = lambda share: None,
) -> Doubts:
    """Lay every transcript onto its recording; `normalize` is that of training, `digest` names the model in `kept`.

    What is an outlier is decided in each manifest for itself: training fits what it has seen. What cannot be aligned,
    characters the model has no token for or a recording that cannot be read, is listed.
    """
    doubts: list[Doubt] = []
    agreements, total, done = [], max(1, sum(map(len, manifests.values()))), 0
    for name, utterances in manifests.items():
        failed: list[AsrError] = []
        fits = []
        for fit in _fits(recogniser, normalize, digest, utterances, kept, failed):
            fits.append(fit)
            advance((done + len(fits) + len(failed)) / total)
        done += len(utterances)
        limit = threshold([fit.gap for fit in fits])
        doubts += [Doubt(name, fit.id, fit.gap, fit.said, fit.heard) for fit in suspects(fits, limit)]
        agreements.append(Agreement(name, {fit.id: fit.gap for fit in fits}, limit, failed))
    return Doubts(sorted(doubts, key=lambda doubt: -doubt.gap), agreements)


def _fits(
    recogniser: Recogniser,
    normalize: Callable[[str], str],
    digest: str,
    utterances: Sequence[Utterance],
    kept: Kept[Found] | None,
    failed: list[AsrError],
) -> Iterator[Fit]:
    """How each transcript fits: those that are kept, then the others, which are kept as they come."""
    missing = {}
    for u in utterances:
        known = kept.get(u.audio, _question(digest, u)) if kept is not None else None
        if known is None:
            missing[u.id] = u
        else:
            yield Fit(u.id, known["gap"], known["said"], known["heard"])
    for found in aligned(recogniser, normalize, list(missing.values()), failed.append):
        fit, u = Fit(found.id, found.gap, found.text, found.heard), missing[found.id]
        if kept is not None:
            kept.put(u.audio, _question(digest, u), {"gap": fit.gap, "said": fit.said, "heard": fit.heard})
        yield fit


def _question(digest: str, u: Utterance) -> list[Any]:
    return [digest, u.offset, u.duration, u.text]


def unpack_fit(packed: Any) -> Found:
    """A fit as it is kept; ValueError where something else stands there."""
    if not (isinstance(packed, dict) and packed.keys() == {"gap", "said", "heard"}):
        raise ValueError(packed)
    if not (isinstance(packed["gap"], float | int) and isinstance(packed["said"], str)):
        raise ValueError(packed)
    return packed
