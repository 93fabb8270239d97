"""The recogniser: right words at right times, the same whatever shares the batch, in the order asked for."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from asr.audio.io import write_wav
from asr.decoding.greedy import GreedyDecoder
from asr.errors import AudioError
from asr.features.features import Features
from asr.features.options import FeatureOptions
from asr.inference.recogniser import Recogniser, hypotheses
from asr.models.deepspeech2 import DeepSpeech2, DeepSpeech2Options
from asr.models.quartznet import QuartzNet, QuartzNetOptions
from asr.text.characters import CharTokenizer
from asr.types import Hypothesis, Transcript, Utterance

RATE, HOP, SUBSAMPLING = 1000, 10, 2  # an output frame is 20 ms
TOKENIZER = CharTokenizer(["<blank>", " ", "a", "b", "c"])
LEVELS = {"_": 0, " ": 1, "a": 2, "b": 3, "c": 4}


class _Levels(nn.Module):
    """One feature a frame: the loudest sample of it. Leaves in the padding what it finds there."""

    hop_length = HOP

    def forward(self, waveforms: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        padded = nn.functional.pad(waveforms, (0, -waveforms.shape[1] % HOP))
        return padded.unflatten(1, (-1, HOP)).amax(2, keepdim=True), -(-lengths // HOP)


class _Reader(nn.Module):
    """Reads the level of every second frame as a token; its dropout spoils everything in training mode."""

    subsampling = SUBSAMPLING

    def __init__(self) -> None:
        super().__init__()
        self.dropout = nn.Dropout(0.9)

    def output_lengths(self, lengths: Tensor) -> Tensor:
        return -(-lengths // SUBSAMPLING)

    def forward(self, features: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        levels = (features[:, ::SUBSAMPLING, 0] * 10).round().long().clamp(0, 4)
        return self.dropout(nn.functional.one_hot(levels, 5).float() * 9), self.output_lengths(lengths)


def _reader() -> Recogniser:
    return Recogniser(_Levels(), _Reader(), TOKENIZER, GreedyDecoder(), RATE)  # type: ignore[arg-type]


def _wave(script: str) -> Tensor:
    """A waveform that says one character of `script` an output frame; `_` is the blank."""
    return torch.tensor([LEVELS[c] / 10 for c in script]).repeat_interleave(HOP * SUBSAMPLING)


def _random(kind: str) -> Recogniser:
    torch.manual_seed(0)
    features = Features(FeatureOptions(n_mels=20))
    model: nn.Module
    if kind == "deepspeech2":
        model = DeepSpeech2(DeepSpeech2Options(layers=1, hidden_size=16, conv_channels=4), 20, 5)
    else:
        model = QuartzNet(QuartzNetOptions(blocks=1, width=16), 20, 5)
    for parameter in model.parameters():  # loud weights: many tokens, not one for all frames
        parameter.data.mul_(3)
    return Recogniser(features, model, TOKENIZER, GreedyDecoder(), 16000)  # type: ignore[arg-type]


def test_words_and_their_times() -> None:
    (transcript,) = _reader().transcribe([_wave("_ab_b  _ _aa_c__")], ["here"])
    assert (transcript.id, transcript.text) == ("here", "abb ac")
    assert transcript.duration == pytest.approx(0.32)
    assert [(w.text, w.start, w.end) for w in transcript.words] == [
        ("abb", pytest.approx(0.02), pytest.approx(0.10)),
        ("ac", pytest.approx(0.20), pytest.approx(0.28)),
    ]
    certain = torch.tensor([9.0, 0, 0, 0, 0]).log_softmax(0)[0].item()
    assert [w.score for w in transcript.words] == pytest.approx([certain, certain], abs=1e-6)


class _Lexical:
    """A decoder whose lexicon writes the first two tokens as one word, the fourth as another."""

    def __call__(self, log_probs: Tensor, lengths: Tensor) -> list[list[Hypothesis]]:
        found = GreedyDecoder()(log_probs, lengths)
        return [[replace(h, words=(("Abbé", 0, 2), ("C", 3, 4))) for h in hypotheses] for hypotheses in found]


def test_words_of_a_lexicon_have_the_times_of_their_tokens() -> None:
    lexical = Recogniser(_Levels(), _Reader(), TOKENIZER, _Lexical(), RATE)  # type: ignore[arg-type]
    (transcript,) = lexical.transcribe([_wave("_ab_ _cc_")])
    assert transcript.text == "Abbé C"
    assert [(w.text, round(w.start, 3), round(w.end, 3)) for w in transcript.words] == [
        ("Abbé", 0.02, 0.06),
        ("C", 0.12, 0.16),
    ]
    certain = torch.tensor([9.0, 0, 0, 0, 0]).log_softmax(0)[0].item()
    assert [w.score for w in transcript.words] == pytest.approx([certain, certain], abs=1e-6)
    assert transcript.words[0].confidence == pytest.approx(math.exp(certain))


def test_times_end_with_the_recording() -> None:
    (transcript,) = _reader().transcribe([_wave("_a")[:25]])
    assert transcript.duration == 0.025
    assert (transcript.words[0].start, transcript.words[0].end) == (0.02, 0.025)


@pytest.mark.parametrize("kind", ["reader", "deepspeech2", "quartznet"])
def test_company_in_the_batch_changes_nothing(kind: str) -> None:
    recogniser = _reader() if kind == "reader" else _random(kind)
    generator = torch.Generator().manual_seed(1)
    waveforms = [torch.rand(n, generator=generator) * 2 - 1 for n in (16000, 900, 7001, 12345)]
    alone = [recogniser.transcribe([w], [str(i)])[0] for i, w in enumerate(waveforms)]
    together = recogniser.transcribe(waveforms)
    assert [t.text for t in together] == [t.text for t in alone]
    assert [[(w.start, w.end) for w in t.words] for t in together] == [
        [(w.start, w.end) for w in t.words] for t in alone
    ]
    assert len({t.text for t in alone}) > 1
    for waveform, emissions in zip(waveforms, recogniser.emissions(waveforms), strict=True):
        torch.testing.assert_close(emissions, recogniser.emissions([waveform])[0], atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("kind", ["deepspeech2", "quartznet"])
def test_silence_and_next_to_nothing_do_not_crash(kind: str) -> None:
    waveforms = [torch.zeros(8000), torch.zeros(1), torch.rand(30)]
    transcripts = _random(kind).transcribe(waveforms)
    assert [t.duration for t in transcripts] == [len(w) / 16000 for w in waveforms]
    assert all(0 <= w.start <= w.end <= t.duration for t in transcripts for w in t.words)


def test_silence_is_an_empty_text() -> None:
    assert _reader().transcribe([_wave("____"), _wave("_  _")[:70], _wave("_")[:1]]) == [
        Transcript("0", 0.08, ""),
        Transcript("1", 0.07, ""),
        Transcript("2", 0.001, ""),
    ]
    assert _reader().transcribe([]) == []


SCRIPTS = ["a", "b_c", "_", "c cc_c" * 8, "ab", "a b c" * 3, "b" * 30, "ca"]


@pytest.fixture
def recordings(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / f"{i}.wav" for i in range(len(SCRIPTS))]
    for path, script in zip(paths, SCRIPTS, strict=True):
        write_wav(path, _wave(script).numpy(), RATE)
    return paths


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("batch_seconds", [0.01, 0.1, 0.4, 60.0])
def test_files_come_in_the_order_given(recordings: list[Path], batch_seconds: float, workers: int) -> None:
    transcripts = list(_reader().transcribe_files(recordings, batch_seconds, workers))
    expected = _reader().transcribe([_wave(s) for s in SCRIPTS])
    assert [(t.id, t.duration, t.text) for t in transcripts] == [(t.id, t.duration, t.text) for t in expected]


@pytest.mark.parametrize("workers", [0, 2])
def test_an_unreadable_file_stops_after_those_before_it_or_is_handed_on(
    recordings: list[Path], workers: int
) -> None:
    recordings[2].write_bytes(b"no sound")
    transcripts = _reader().transcribe_files(recordings, workers=workers)
    assert [next(transcripts).text, next(transcripts).text] == ["a", "bc"]
    with pytest.raises(AudioError, match=r"2\.wav"):
        next(transcripts)
    bad: list[Path] = []
    rest = _reader().transcribe_files(recordings, workers=workers, on_error=lambda path, _: bad.append(path))
    assert [t.id for t in rest] == ["0", "1", "3", "4", "5", "6", "7"]
    assert bad == [recordings[2]]


def test_utterances_are_stretches_of_their_files(tmp_path: Path) -> None:
    write_wav(tmp_path / "long.wav", np.concatenate([_wave("a_b"), _wave("cc "), _wave("b")]), RATE)
    utterances = [
        Utterance("late", tmp_path / "long.wav", 0.06, "c", offset=0.06),
        Utterance("early", tmp_path / "long.wav", 0.06, "ab"),
    ]
    done: list[int] = []
    pairs = list(hypotheses(_reader(), utterances, progress=done.append))
    assert [(u.id, t.id, t.text, t.duration) for u, t in pairs] == [
        ("late", "late", "c", 0.06),
        ("early", "early", "ab", 0.06),
    ]
    assert sum(done) == 2


def test_an_utterance_without_audio_is_named(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match=r"^utt gone: .*gone\.wav: no such file"):
        list(hypotheses(_reader(), [Utterance("gone", tmp_path / "gone.wav", 1.0, "a")]))
