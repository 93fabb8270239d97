"""The check verb: manifests against the alphabet and the frames of the model a configuration describes.

`asr check` exits 2 exactly when training on the manifests would fail or be wrong; `asr.data.check.check` says
which findings are errors and which are warnings.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from asr.build import build_system, make_tokenizer
from asr.config import Config, read_config
from asr.data.check import check
from asr.data.feasibility import Fit
from asr.data.findings import Finding, Report
from asr.data.kept import Kept
from asr.data.manifest import read_manifest
from asr.data.material import Material, read_material
from asr.data.recordings import Recording
from asr.errors import ConfigError
from asr.interfaces import PhoneticTokenizer, Tokenizer
from asr.text.bpe import PieceTokenizer
from asr.text.characters import CharTokenizer
from asr.text.normalize import Normalizer
from asr.types import Utterance

_READING = 0.95  # of the progress; comparing what was read is the rest


@dataclass(frozen=True, slots=True)
class Checked:
    """What was looked at and what was found; the configuration it was looked at with, and its tokenizer."""

    material: Material
    report: Report
    config: Config | None
    tokenizer: Tokenizer

    def with_warnings(self, more: Sequence[Finding]) -> "Checked":
        """The same with more warnings, before the others."""
        return replace(self, report=replace(self.report, warnings=(*more, *self.report.warnings)))


def check_manifests(
    manifests: Sequence[Path],
    config: Path | None,
    advance: Callable[[float], None] = lambda share: None,
    overrides: Sequence[str] = (),
    kept: Kept[Recording] | None = None,
) -> Checked:
    """What is wrong or odd in the manifests; the first is the training one, from whose texts the tokenizer is built.

    With a configuration, what it leaves out of training by duration is only counted. Recordings that `kept` knows are
    not read again. Raises ConfigError for a manifest named twice, and what reading manifests and configuration raises.
    """
    _distinct(manifests)
    if config is None and overrides:
        raise ConfigError(f"{overrides[0]}: changes no configuration; expected --config beside it; name one")
    options = None if config is None else read_config(config, overrides)
    read = {str(path): read_manifest(path) for path in manifests}
    first = str(manifests[0])
    left_out: tuple[Finding, ...] = ()
    if options is not None:
        read[first], left_out = _within_bounds(first, read[first], options)
    normalize = Normalizer() if options is None else Normalizer(options.text)
    tokenizer = _tokenizer(options, [normalize(u.text) for u in read[first]])
    material = read_material(read, normalize, lambda done, total: advance(_READING * done / max(1, total)), kept)
    report = _report(material, options, tokenizer)
    advance(1.0)
    if read[first]:
        report = replace(report, warnings=left_out + report.warnings)
    else:
        report = replace(report, errors=left_out + report.errors)
    return Checked(material, report, options, tokenizer)


def _report(material: Material, options: Config | None, tokenizer: Tokenizer) -> Report:
    phonetic = tokenizer if isinstance(tokenizer, PhoneticTokenizer) else None
    return check(
        material,
        alphabet=_characters(tokenizer) if phonetic is None else None,
        lexicon=None if phonetic is None else phonetic.vocabulary,
        fit=None if options is None else _fit(options, tokenizer),
        sample_rate=None if options is None else options.features.sample_rate,
    )


def _tokenizer(options: Config | None, texts: list[str]) -> Tokenizer:
    """That of training; where there is no text to build it from, which is a finding, one without characters."""
    if options is None or not any(texts):
        return CharTokenizer.build(texts)
    return make_tokenizer(options, texts)


def _characters(tokenizer: Tokenizer) -> Collection[str]:
    """The characters a text may have."""
    return tokenizer.characters if isinstance(tokenizer, PieceTokenizer) else tokenizer.tokens[1:]


def _distinct(manifests: Sequence[Path]) -> None:
    seen: set[Path] = set()
    for path in manifests:
        if path.resolve() in seen:
            raise ConfigError(f"{path}: is named twice; expected every manifest once; name it once")
        seen.add(path.resolve())


def _within_bounds(
    name: str, utterances: list[Utterance], options: Config
) -> tuple[list[Utterance], tuple[Finding, ...]]:
    """The training utterances of permitted duration, and the finding for the others."""
    low, high = options.data.min_duration, options.data.max_duration
    kept = [u for u in utterances if low <= u.duration <= high]
    if len(kept) == len(utterances):
        return kept, ()
    what = f"{len(utterances) - len(kept)} of {len(utterances)} training utterances are outside {low:g} to {high:g} s"
    remedy = "training leaves them out; change data.min_duration or data.max_duration to keep them"
    return kept, (Finding("left out", f"{name}: {what}; {remedy}"),)


def _fit(options: Config, tokenizer: Tokenizer) -> Fit:
    system = build_system(options, tokenizer, torch.device("cpu"))
    return Fit(
        system.output_frames,
        options.features.sample_rate,
        tokenizer.encode,
        max(options.perturb.speed, default=1.0),
        options.data.infeasible == "drop",
    )
