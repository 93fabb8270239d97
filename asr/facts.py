"""What is known of a run before its first step: the log's first row, which the rules of diagnosis compare with.

Looks at a sample of the training utterances spread over the manifest; the recordings' headers and a few seconds of each
tell of sample rates, the targets and their frames of what a model reaches that does not listen.
"""

from collections import Counter
from collections.abc import Sequence
from statistics import median
from typing import Any

import numpy as np

from asr.audio.io import probe, read_audio
from asr.build import System, TrainingData, frames_needed, frames_of
from asr.errors import AudioError
from asr.training.baselines import constant_baselines
from asr.types import Utterance

_TARGETS, _HEADERS, _HEARD = 64, 100, 24  # utterances looked at: their targets, their headers, their sound
_SECONDS = 4.0  # of each recording listened to
# of the power: -60 dB. Medians of four corpora at 8 and 16 kHz are -17 to -24 dB, one recording of them is at -64; what
# was converted from half the rate has -138 dB or less
_FLOOR = 1e-6
_SILENT = 1e-5  # of full scale: less is silence, which has no band


def facts_of(system: System, data: TrainingData) -> dict[str, Any]:
    """The row `facts` of a run on `data`, before utterances that do not fit are dropped."""
    options, rate = system.config.training, system.config.features.sample_rate
    needed, frames = frames_needed(data.train_targets), [frames_of(system, u) for u in data.train]
    room = [n / len(t) for n, t in zip(frames, data.train_targets, strict=True) if t]
    sample = _spread(range(len(data.train)), _TARGETS)
    targets = [data.train_targets[i] for i in sample]
    baselines = constant_baselines(targets, [frames[i] for i in sample], len(data.tokenizer.tokens))
    return {
        "kind": "facts", "step": 0, "utterances": len(data.train), "dev_utterances": len(data.dev),
        "even_loss": None if baselines is None else baselines.even,
        "blanks_loss": None if baselines is None else baselines.blanks,
        "unigram_loss": None if baselines is None else baselines.unigram,
        "infeasible_share": float(np.mean([n < need for n, need in zip(frames, needed, strict=True)])),
        "frames_per_label": median(room) if room else None,
        "lr": options.lr, "clip": options.clip, "warmup": options.warmup, "sortagrad": system.config.data.sortagrad,
        **_rates(_spread(data.train, _HEADERS), rate),
        "narrow_share": _narrow(_spread(data.train, _HEARD), rate),
    }  # fmt: skip


def _spread(items: Sequence[Any], count: int) -> Sequence[Any]:
    """`count` items, or all, at even distances."""
    return [items[i * len(items) // count] for i in range(count)] if len(items) > count else items


def _rates(utterances: Sequence[Utterance], rate: int) -> dict[str, Any]:
    """The recordings' most common rate [Hz], the share below `rate`, and the most common one of those.

    What cannot be read training will name.
    """
    found: Counter[int] = Counter()
    for utterance in utterances:
        try:
            found[probe(utterance.audio).sample_rate] += 1
        except AudioError:
            continue
    lower = Counter({recorded: count for recorded, count in found.items() if recorded < rate})
    return {
        "sample_rate": rate,
        "usual_rate": found.most_common(1)[0][0] if found else None,
        "lower_rate_share": lower.total() / max(1, found.total()),
        "usual_lower_rate": lower.most_common(1)[0][0] if lower else None,
    }


def _narrow(utterances: Sequence[Utterance], rate: int) -> float:
    """The share of recordings of at least `rate` [Hz] whose upper half of the band is empty."""
    empty, heard = 0, 0
    for utterance in utterances:
        try:
            if probe(utterance.audio).sample_rate < rate:
                continue
            wave, _ = read_audio(utterance.audio, rate, utterance.offset, min(_SECONDS, utterance.duration))
        except AudioError:
            continue
        if wave.std() < _SILENT:
            continue
        heard += 1
        empty += _upper_half(wave) < _FLOOR
    return empty / max(1, heard)


def _upper_half(waveform: np.ndarray) -> float:
    """The share of the power of a waveform (S,) that is in the upper half of its band; its mean aside.

    Windowed, or the jump from the last sample to the first would spread over the whole band. The lowest tenth of the
    upper half is left out: a converter's filter is not infinitely steep.
    """
    power = np.abs(np.fft.rfft((waveform - waveform.mean()) * np.hanning(len(waveform)))) ** 2
    return float(power[int(len(power) * 0.55) :].sum() / max(1e-30, power.sum()))
