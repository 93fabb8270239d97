"""From a run and a manifest to how it decodes best: emissions once, weights swept, confidence calibrated."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch.nn.utils.rnn import pad_sequence

from asr.build import System
from asr.decoding.beam import BeamDecoder
from asr.decoding.greedy import GreedyDecoder
from asr.decoding.options import DecodingOptions
from asr.decoding.setup import decoder_for
from asr.decoding.tuning import Trial, best, search
from asr.errors import ManifestError
from asr.evaluating import spoken, utterances_of
from asr.evaluation.reliability import Judged, judged, reliability
from asr.inference.calibration import fit_calibration, log_loss
from asr.inference.confidence import confidence
from asr.inference.recogniser import Recogniser
from asr.interfaces import Decoder, PhoneticTokenizer
from asr.tuning.emissions import kept_emissions
from asr.tuning.outcome import Calibration, Outcome, option_names
from asr.tuning.sweep import Errors, axes_of, sweep

_TOGETHER = 32  # utterances decoded at a time


def tune(
    system: System,
    recogniser: Recogniser,
    run: Path,
    manifest: Path,
    split: str | None = None,
    *,
    trials: int = 150,
    seed: int = 0,
    only_confidence: bool = False,
    overrides: Sequence[str] = (),
    say: Callable[[str], None] = lambda line: None,
    hearing: Callable[[float], None] = lambda share: None,
    searching: Callable[[float], None] = lambda share: None,
) -> Outcome:
    """The weights with the fewest word errors on the manifest, and the calibration of confidence with them.

    Where there is neither language model nor lexicon only confidence is calibrated. `overrides` are those that
    `system` was loaded with. Raises AsrError for what is wrong with manifest, recordings or decoding options.
    """
    options = _options(system, overrides, only_confidence)
    decoder = decoder_for(options, system.tokenizer)
    manifest, utterances = utterances_of(manifest, split)
    errors = Errors([system.normalizer(u.text) for u in utterances], system.normalizer, system.tokenizer)
    if not errors.words:
        raise ManifestError(
            f"{manifest}: no text holds a word once normalised; expected transcripts to tune on; add some"
        )
    started = time.perf_counter()
    name = manifest.stem if split in (None, manifest.stem) else f"{manifest.stem}-{split}"
    emissions, kept = kept_emissions(recogniser, run, name, utterances, hearing)
    seconds = {"emissions": time.perf_counter() - started}
    greedy = _score(GreedyDecoder(), emissions, errors)
    axes, found, chosen, before = [], [], None, greedy
    started = time.perf_counter()
    if isinstance(decoder, BeamDecoder) and _worth_it(decoder, only_confidence):
        axes = axes_of(decoder)
        start = tuple(round(float(getattr(options, axis.name)), 4) for axis in axes)
        count = sweep(decoder, [a.name for a in axes], emissions, errors, _counted(trials, searching))
        found = search(axes, start, count, trials, seed)
        before, chosen = found[0].score, best(found, start, axes)
        decoder = decoder.weighted(**{axis.name: v for axis, v in zip(axes, chosen.point, strict=True)})
        options = decoder.options
    elif not only_confidence:
        say("no language model and no lexicon: only confidence is calibrated; give decoding.lm=FILE to tune weights")
    seconds["search"] = time.perf_counter() - started
    after = chosen.score if isinstance(chosen, Trial) else _score(decoder, emissions, errors)
    words = _judged(recogniser, decoder, emissions, errors, system.normalizer)
    calibration = _calibrated(words)
    options = options.model_copy(
        update={"confidence_slope": calibration.slope, "confidence_offset": calibration.offset,
                "nbest": system.config.decoding.nbest}
    )  # fmt: skip
    return Outcome(
        run, manifest, options, errors.words, errors.characters, greedy, before if chosen else after, after, axes,
        found, chosen, calibration, seconds, kept, option_names(overrides),
    )  # fmt: skip


def _options(system: System, overrides: Sequence[str], only_confidence: bool) -> DecodingOptions:
    """The options to start from: a search where there is something to search with, unless greedy was asked for."""
    options = system.config.decoding.model_copy(update={"nbest": 1})
    something = options.lm or options.lexicon or isinstance(system.tokenizer, PhoneticTokenizer)
    if something and not only_confidence and "kind" not in option_names(overrides):
        options = options.model_copy(update={"kind": "beam"})
    return options


def _worth_it(decoder: BeamDecoder, only_confidence: bool) -> bool:
    return not only_confidence and (decoder.lexicon is not None or decoder.model.weights.use_lm)


def _counted(trials: int, told: Callable[[float], None]) -> Callable[[int], None]:
    done = 0

    def count(points: int) -> None:
        nonlocal done
        done += points
        told(min(1.0, done / trials))

    return count


def _score(decoder: Decoder, emissions: Sequence[np.ndarray], errors: Errors) -> tuple[int, int]:
    found = [errors(i, hypotheses[0]) for i, (hypotheses, _) in enumerate(_decoded(decoder, emissions))]
    return sum(s[0] for s in found), sum(s[1] for s in found)


def _decoded(decoder: Decoder, emissions: Sequence[np.ndarray]):  # type: ignore[no-untyped-def]
    """The hypotheses of each utterance, with its emissions as a tensor (T, V)."""
    for first in range(0, len(emissions), _TOGETHER):
        rows = [torch.from_numpy(row) for row in emissions[first : first + _TOGETHER]]
        lengths = torch.tensor([len(row) for row in rows])
        yield from zip(decoder(pad_sequence(rows, batch_first=True), lengths), rows, strict=True)


def _judged(
    recogniser: Recogniser,
    decoder: Decoder,
    emissions: Sequence[np.ndarray],
    errors: Errors,
    normalize: Callable[[str], str],
) -> list[Judged]:
    """The words heard, with their scores (nats) in the place of confidences."""
    words: list[Judged] = []
    for i, (found, row) in enumerate(_decoded(decoder, emissions)):
        spans, _ = recogniser.heard(found[:1], row, float("inf"))
        text = normalize(" ".join(span.text for span in spans))
        heard = spoken(normalize, text, spans)
        if heard is not None:
            words += judged(errors.references[i], text, [span.score for span in heard])
    return words


def _calibrated(words: Sequence[Judged]) -> Calibration:
    scores, right = [score for _, score, _ in words], [good for _, _, good in words]
    slope, offset = (round(x, 4) for x in fit_calibration(scores, right))

    def ece(slope: float, offset: float) -> float:
        found = reliability([(word, confidence(score, slope, offset), good) for word, score, good in words])
        return found.ece if found is not None else 0.0

    losses = log_loss(scores, right), log_loss(scores, right, slope, offset)
    return Calibration(slope, offset, len(words), losses, (ece(1.0, 0.0), ece(slope, offset)))
