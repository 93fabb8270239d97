"""Transcripts that a trained model disagrees with, in every manifest that is checked."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
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


@dataclass(slots=True)
class Doubts:
    """The transcripts that may be wrong, the worst first, and what could not be aligned."""

    doubts: list[Doubt] = field(default_factory=list)
    failed: list[AsrError] = field(default_factory=list)
    aligned: int = 0

    def findings(self) -> list[Finding]:
        """A warning for each."""
        found = [about(d.id, "text and audio disagree", _words(d)) for d in self.doubts]
        return found + [Finding("not aligned", str(error)) for error in self.failed]


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
    report, total, done = Doubts(), max(1, sum(map(len, manifests.values()))), 0
    for name, utterances in manifests.items():
        known = {u.id: kept and kept.get(u.audio, _question(digest, u)) for u in utterances}
        fits = [Fit(id, found["gap"], found["said"], found["heard"]) for id, found in known.items() if found]
        missing = [u for u in utterances if known[u.id] is None]
        by_id = {u.id: u for u in missing}
        before = len(report.failed)
        for found in aligned(recogniser, normalize, missing, report.failed.append):
            fit = Fit(found.id, found.gap, found.text, found.heard)
            if kept is not None:
                kept.put(by_id[fit.id].audio, _question(digest, by_id[fit.id]), _packed(fit))
            fits.append(fit)
            advance((done + len(fits) + len(report.failed) - before) / total)
        done += len(utterances)
        limit = threshold([fit.gap for fit in fits])
        report.doubts += [Doubt(name, fit.id, fit.gap, fit.said, fit.heard) for fit in suspects(fits, limit)]
        report.aligned += len(fits)
    report.doubts.sort(key=lambda doubt: -doubt.gap)
    return report


def _question(digest: str, u: Utterance) -> list[Any]:
    return [digest, u.offset, u.duration, u.text]


def _packed(fit: Fit) -> Found:
    return {"gap": fit.gap, "said": fit.said, "heard": fit.heard}
