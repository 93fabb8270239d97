"""Waveforms, files and manifests to transcripts. Takes parts already built and knows no configuration."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from asr.ctc.loss import log_probs
from asr.errors import AudioError
from asr.features.features import Features
from asr.inference.confidence import calibrated
from asr.inference.sources import names
from asr.inference.stream import Stretch, batches, read_ahead, windows
from asr.inference.words import words
from asr.interfaces import AcousticModel, Decoder, Tokenizer
from asr.types import Alternative, Hypothesis, Span, Transcript, Utterance

_LOOK_AHEAD = 8  # batches' worth of audio sorted by length together


class Recogniser:
    """Features, model, decoder and tokenizer in a row, in evaluation mode on one device.

    What it says of a recording does not depend on what else is in the batch. Construction puts the modules
    into evaluation mode on `device`.
    """

    def __init__(
        self,
        features: Features,
        model: AcousticModel,
        tokenizer: Tokenizer,
        decoder: Decoder,
        sample_rate: int,
        device: torch.device | str = "cpu",
        calibration: tuple[float, float] = (1.0, 0.0),
    ) -> None:
        """`calibration` is the slope and offset of `confidence`."""
        self.calibration = calibration
        self.features, self.model, self.tokenizer, self.decoder = features, model, tokenizer, decoder
        self.sample_rate, self.device = sample_rate, torch.device(device)
        for module in (features, model):
            if isinstance(module, torch.nn.Module):
                module.eval().to(self.device)

    @property
    def frame_seconds(self) -> float:
        """Seconds from one output frame to the next."""
        return self.features.hop_length * self.model.subsampling / self.sample_rate

    def emissions(self, waveforms: Sequence[Tensor]) -> list[Tensor]:
        """Waveforms (S,) at `sample_rate`, as one batch → log probabilities (T', V) each, float32."""
        batch, lengths = self._log_probs(waveforms)
        return [row[:length] for row, length in zip(batch, lengths.tolist(), strict=True)]

    def transcribe(self, waveforms: Sequence[Tensor], ids: Sequence[str] | None = None) -> list[Transcript]:
        """Waveforms (S,) at `sample_rate`, as one batch → transcripts with word times, named by `ids`."""
        if not waveforms:
            return []
        ids = ids if ids is not None else [str(i) for i in range(len(waveforms))]
        batch, lengths = self._log_probs(waveforms)
        rows = zip(ids, waveforms, self.decoder(batch, lengths), batch.cpu(), strict=True)
        return [self._transcript(id, len(w) / self.sample_rate, found, row) for id, w, found, row in rows]

    def transcribe_files(
        self,
        paths: Sequence[Path],
        batch_seconds: float = 120.0,
        workers: int = 2,
        on_error: Callable[[Path, AudioError], None] | None = None,
    ) -> Iterator[Transcript]:
        """A transcript for each recording, in the order given, named by `sources.names`.

        Files are read by `workers` threads and batched by length within a look-ahead of eight batches of at
        most `batch_seconds` padded seconds (a longer recording is a batch of its own), put back in order.
        An unreadable file goes to `on_error` and yields nothing; without `on_error` its AudioError is raised
        after the transcripts before it.
        """
        stretches = [Stretch(name, path) for name, path in zip(names(paths), paths, strict=True)]
        hand_on = None if on_error is None else lambda stretch, error: on_error(stretch.path, error)
        yield from self.transcribe_stretches(stretches, batch_seconds, workers, hand_on)

    def transcribe_stretches(
        self,
        stretches: Iterable[Stretch],
        batch_seconds: float,
        workers: int,
        on_error: Callable[[Stretch, AudioError], None] | None = None,
    ) -> Iterator[Transcript]:
        """`transcribe_files` for stretches of recordings."""
        yield from self._in_order(self.transcribe, stretches, batch_seconds, workers, on_error)

    def emissions_of_stretches(
        self,
        stretches: Iterable[Stretch],
        batch_seconds: float,
        workers: int,
        on_error: Callable[[Stretch, AudioError], None] | None = None,
    ) -> Iterator[Tensor]:
        """Log probabilities (T', V) float32 of each, in order, on the CPU; batched as in `transcribe_stretches`."""

        def of_group(waveforms: Sequence[Tensor], ids: Sequence[str]) -> list[Tensor]:
            return [row.cpu() for row in self.emissions(waveforms)]

        yield from self._in_order(of_group, stretches, batch_seconds, workers, on_error)

    def _in_order(
        self,
        of_group: Callable[[Sequence[Tensor], Sequence[str]], list[Any]],
        stretches: Iterable[Stretch],
        batch_seconds: float,
        workers: int,
        on_error: Callable[[Stretch, AudioError], None] | None,
    ) -> Iterator[Any]:
        """What `of_group` makes of waveforms and their names: batched by length, and put back in order."""
        samples = round(batch_seconds * self.sample_rate)
        sounds = read_ahead(stretches, self.sample_rate, workers)
        for window in windows(sounds, _LOOK_AHEAD * samples, on_error):
            found: dict[int, Any] = {}
            for group in batches([len(waveform) for _, waveform in window], samples):
                of_batch = of_group([window[i][1] for i in group], [window[i][0].name for i in group])
                found |= zip(group, of_batch, strict=True)
            yield from (found[i] for i in range(len(window)))

    @torch.inference_mode()
    def _log_probs(self, waveforms: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """(B, T', V) log probabilities on the device, (B,) their lengths."""
        lengths = torch.tensor([len(waveform) for waveform in waveforms], dtype=torch.int64)
        padded = pad_sequence([waveform.float() for waveform in waveforms], batch_first=True)
        return self.log_probs(*self.features(padded.to(self.device), lengths.to(self.device)))

    @torch.inference_mode()
    def log_probs(self, features: Tensor, frames: Tensor) -> tuple[Tensor, Tensor]:
        """Features (B, T, F), frames (B,) on the device → log probabilities (B, T', V), frames (B,)."""
        logits, frames = self.model(features, frames)
        return log_probs(logits), frames

    def _transcript(self, id: str, duration: float, found: Sequence[Hypothesis], emissions: Tensor) -> Transcript:
        best, nbest = self.heard(found, emissions, duration)
        return transcript_of(id, duration, best, nbest)

    def heard(
        self, found: Sequence[Hypothesis], emissions: Tensor, duration: float, first: int = 0
    ) -> tuple[tuple[Span, ...], tuple[Alternative, ...]]:
        """What a decoder found in emissions (T, V), the recording's frames from `first` on: its best words, all texts.

        Times are clipped to `duration` [s].
        """
        spoken = [words(h, emissions, self.tokenizer, self.frame_seconds, duration, first) for h in found]
        texts = [" ".join(span.text for span in spans) for spans in spoken]
        nbest = (Alternative(text, h.score, h.acoustic, h.lm) for text, h in zip(texts, found, strict=True))
        return self.calibrated(spoken[0]), distinct(nbest)

    def calibrated(self, spans: Sequence[Span]) -> tuple[Span, ...]:
        """The spans, each with its confidence."""
        return calibrated(spans, *self.calibration)


def distinct(alternatives: Iterable[Alternative]) -> tuple[Alternative, ...]:
    """The first of each text: tokens differ where nobody sees it, as in a space behind the last word."""
    found: dict[str, Alternative] = {}
    for alternative in alternatives:
        found.setdefault(alternative.text, alternative)
    return tuple(found.values())


def transcript_of(id: str, duration: float, words: Sequence[Span], nbest: Sequence[Alternative]) -> Transcript:
    """A transcript whose text is its words, with the alternatives where there are any."""
    several = tuple(nbest) if len(nbest) > 1 else ()
    return Transcript(id, duration, " ".join(word.text for word in words), tuple(words), several)


def hypotheses(
    recogniser: Recogniser,
    utterances: Sequence[Utterance],
    batch_seconds: float = 120.0,
    workers: int = 2,
    progress: Callable[[int], None] | None = None,
) -> Iterator[tuple[Utterance, Transcript]]:
    """Every utterance of a manifest with its transcript, in order; its offset and duration pick the stretch.

    `progress` is told 1 for each utterance done. Raises AudioError naming an utterance that cannot be read.
    """
    stretches = [Stretch(u.id, u.audio, u.offset, u.duration) for u in utterances]
    transcripts = recogniser.transcribe_stretches(stretches, batch_seconds, workers, _name)
    for utterance, transcript in zip(utterances, transcripts, strict=True):
        if progress is not None:
            progress(1)
        yield utterance, transcript


def emissions_of(
    recogniser: Recogniser, utterances: Sequence[Utterance], batch_seconds: float = 120.0, workers: int = 2
) -> Iterator[Tensor]:
    """The log probabilities (T', V) of every utterance of a manifest, in order. Raises AudioError as `hypotheses`."""
    stretches = [Stretch(u.id, u.audio, u.offset, u.duration) for u in utterances]
    yield from recogniser.emissions_of_stretches(stretches, batch_seconds, workers, _name)


def _name(stretch: Stretch, error: AudioError) -> None:
    raise AudioError(f"utt {stretch.name}: {error}") from None
