"""The check verb: manifests against the alphabet and the frames of the model a configuration describes."""

from collections.abc import Callable
from pathlib import Path

import torch

from asr.build import build_system
from asr.config import read_config
from asr.data.check import check
from asr.data.findings import Report
from asr.data.manifest import read_manifest
from asr.text.characters import CharTokenizer
from asr.text.normalize import Normalizer

_SAMPLE_RATE = 16000  # Hz, where no configuration says another


def check_manifests(
    manifests: list[Path], config: Path | None, advance: Callable[[float], None] = lambda share: None
) -> Report:
    """What is wrong or odd in the manifests; the first is the training one, whose characters are the alphabet."""
    read = {str(path): read_manifest(path) for path in manifests}

    def progress(done: int, total: int) -> None:
        advance(done / max(1, total))

    if config is None:
        return check(read, normalize=Normalizer(), sample_rate=_SAMPLE_RATE, progress=progress)
    options = read_config(config)
    normalize = Normalizer(options.text)
    tokenizer = CharTokenizer.build(normalize(u.text) for u in read[str(manifests[0])])
    system = build_system(options, tokenizer, torch.device("cpu"))
    return check(
        read,
        normalize=normalize,
        sample_rate=options.features.sample_rate,
        alphabet=tokenizer.tokens[1:],
        encode=tokenizer.encode,
        output_frames=system.output_frames,
        progress=progress,
    )
