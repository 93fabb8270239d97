"""Which targets find no CTC path in the frames a model yields, and what training makes of them.

Training refuses such an utterance or, where told so, leaves it out; validation and evaluation run with it.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from asr.data.findings import Finding, about
from asr.data.material import Manifests
from asr.data.recordings import Recording
from asr.types import Utterance


@dataclass(frozen=True, slots=True)
class Fit:
    """How texts become labels and samples become frames.

    `output_frames` gives the frames of so many samples at `sample_rate` [Hz], `encode` the targets of a
    normalised text (None: its characters). `fastest` is the highest factor of speed perturbation; `drop` says
    that training leaves out what does not fit.
    """

    output_frames: Callable[[int], int]
    sample_rate: int
    encode: Callable[[str], Sequence[int]] | None = None
    fastest: float = 1.0
    drop: bool = False


def infeasible(
    manifests: Manifests,
    texts: Mapping[str, Sequence[str]],
    recordings: Mapping[Path, Recording],
    characters: Collection[str],
    words: Collection[str],
    fit: Fit,
) -> tuple[list[Finding], list[Finding]]:
    """Errors and warnings; the first manifest is the training one. Unknown `characters` and `words` are passed over."""
    errors: list[Finding] = []
    warnings: list[Finding] = []
    for place, (name, utterances) in enumerate(manifests.items()):
        found: list[Finding] = []
        for u, text in zip(utterances, texts[name], strict=True):
            known = set(characters).isdisjoint(text) and set(words).isdisjoint(text.split())
            if known and not recordings[u.audio].error:
                found += _of_utterance(name, u, text, recordings[u.audio], fit, training=place == 0)
        tight = [finding for finding in found if finding.kind == "target too long"]
        if place == 0 and (not fit.drop or len(tight) == len(utterances)):
            errors += tight
            warnings += [finding for finding in found if finding.kind != "target too long"]
        else:
            warnings += found
    return errors, warnings


def _of_utterance(
    name: str, u: Utterance, text: str, recording: Recording, fit: Fit, training: bool
) -> Iterator[Finding]:
    """The finding for one utterance, if any: labels plus blanks between equal neighbours exceed the frames."""
    targets = text if fit.encode is None else fit.encode(text)
    needed = len(targets) + sum(a == b for a, b in pairwise(targets))
    count = samples(u, recording, fit.sample_rate)
    frames = fit.output_frames(count)
    need = f"{len(targets)} labels need at least {needed} frames but the model yields"
    if frames < needed:
        yield about(name, u.id, "target too long", f"{need} {frames}; lower model.subsampling or drop it")
    elif training and fit.fastest > 1:
        frames = fit.output_frames(round(count / fit.fastest))
        if frames < needed:
            yield about(
                name,
                u.id,
                "target too long when faster",
                f"{need} {frames} at speed {fit.fastest:g}; expected room for every label; lower perturb.speed, or "
                "training learns nothing from it at that speed",
            )


def samples(u: Utterance, recording: Recording, sample_rate: int) -> int:
    """Samples that reading the utterance at `sample_rate` [Hz] yields."""
    start = min(round(u.offset * recording.rate), recording.samples)
    count = min(round(u.duration * recording.rate), recording.samples - start)
    return round(count * sample_rate / recording.rate)
