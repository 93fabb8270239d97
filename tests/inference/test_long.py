"""Long recordings: the size of chunks does not show, no word is lost or doubled, memory does not grow."""

import gc
import itertools
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tones import RATE, sound, texts, tiny_tree, write_corpus
from torch import Tensor, nn

from asr.audio.io import write_wav
from asr.build import load_system
from asr.config import config_from_tree
from asr.decoding.greedy import GreedyDecoder
from asr.errors import AudioError, ConfigError
from asr.features.features import Features
from asr.features.options import FeatureOptions
from asr.inference.long import CONTEXT, combined, long_emissions, stitched, stretches, transcribe_long, windows
from asr.inference.recogniser import Recogniser
from asr.inference.seams import Tokens
from asr.inference.transcription import Pace, Recording, recordings_of, transcribe
from asr.models.deepspeech2 import DeepSpeech2, DeepSpeech2Options
from asr.models.quartznet import QuartzNet, QuartzNetOptions
from asr.runs import run_training
from asr.text.characters import CharTokenizer
from asr.types import Alternative, Hypothesis

TOKENIZER = CharTokenizer(["<blank>", " ", "a", "b", "c"])
TOKENS = Tokens.of(TOKENIZER)
CPU = torch.device("cpu")

# ── windows, seams and stretches of any sizes ─────────────────────────────────────────────────────────────────────────


@given(
    st.lists(st.integers(1, 60), min_size=1, max_size=12), st.integers(1, 4), st.integers(4, 40), st.integers(0, 30)
)
def test_windows_cover_the_recording_on_its_grid(
    sizes: list[int], subsampling: int, chunk: int, overlap: int
) -> None:
    whole = torch.arange(sum(sizes))[:, None].float()
    found = list(windows(whole.split(sizes), subsampling, chunk, overlap))
    for k, window in enumerate(found):
        start, end = window.first * subsampling, window.first * subsampling + len(window.features)
        assert torch.equal(window.features, whole[start:end])
        assert window.first == max(0, k * chunk - overlap)
        assert end == min(len(whole), ((k + 1) * chunk + overlap) * subsampling)
    ends = [window.first * subsampling + len(window.features) for window in found]
    assert ends[-1] == len(whole) and ends == sorted(set(ends)), "each has something new"


@given(st.integers(1, 300), st.integers(6, 60), st.integers(1, 30), st.data())
def test_windows_that_hear_the_same_are_the_whole_again(
    frames: int, chunk: int, overlap: int, data: st.DataObject
) -> None:
    """Whatever is said; and so are the stretches that are decoded."""
    search = data.draw(st.integers(0, min(chunk // 2, overlap)))
    ids = data.draw(st.lists(st.sampled_from([0, 0, 0, 0, 1, 2, 3]), min_size=frames, max_size=frames))
    whole = (5.0 * nn.functional.one_hot(torch.tensor(ids), 5)).log_softmax(-1)
    heard = [(w.first, w.features) for w in windows([whole], 1, chunk, overlap)]
    blocks = list(stitched(heard, chunk, search, TOKENS))
    assert torch.equal(torch.cat(blocks), whole)
    assert all(len(b) <= chunk + overlap + search for b in blocks)
    longest = data.draw(st.integers(2, 80))
    found = list(stretches(blocks, longest, TOKENS))
    assert torch.equal(torch.cat([s for _, s in found]), whole)
    assert [first for first, _ in found] == list(itertools.accumulate([len(s) for _, s in found], initial=0))[:-1]
    assert [len(s) for _, s in stretches([whole], longest, TOKENS)] == [len(s) for _, s in found]
    assert all(1 <= len(s) <= longest for _, s in found)


# ── the bound ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _convolutional(**features: object) -> Recogniser:
    """A model of random weights that sees less than CONTEXT on both sides."""
    torch.manual_seed(0)
    shape = {"sample_rate": RATE, "win_length": 200, "hop_length": 80, "n_fft": 256, "n_mels": 16}
    front = Features(FeatureOptions(**(shape | features)))  # type: ignore[arg-type]
    model = QuartzNet(QuartzNetOptions(blocks=2, width=16), front.num_features, len(TOKENIZER.tokens))
    model(torch.randn(4, 200, 16), torch.full((4,), 200))  # running statistics that are not the initial ones
    kernels = [2 * 15, 2 * 31, 31]  # of two blocks of two convolutions and the top
    assert sum(k // 2 for k in kernels) * 3 * 0.01 + 0.06 < CONTEXT
    return Recogniser(front, model, TOKENIZER, GreedyDecoder(), RATE)  # type: ignore[arg-type]


def _noise(seconds: float) -> Tensor:
    samples = round(seconds * RATE)
    loud = torch.repeat_interleave(torch.rand(-(-samples // 2000)), 2000)[:samples]
    return torch.randn(samples) * loud


def _found(recogniser: Recogniser, waveform: Tensor, chunk: float, block: int = 30_011) -> Tensor:
    return torch.cat(list(long_emissions(recogniser, waveform.split(block), chunk, 60.0)))


@pytest.mark.parametrize("normalize", ["none", "global"])
def test_convolutions_give_the_emissions_of_the_whole(normalize: str) -> None:
    recogniser = _convolutional(normalize=normalize)
    waveform = _noise(34.3)
    whole = recogniser.emissions([waveform])[0]
    assert whole.argmax(1).unique().numel() > 1
    for chunk in (5.0, 11.3, 100.0):
        torch.testing.assert_close(_found(recogniser, waveform, chunk), whole, atol=1e-4, rtol=1e-4)


def test_chunks_do_not_show_where_normalisation_slides() -> None:
    recogniser = _convolutional()
    waveform = torch.cat([_noise(30), 0.02 * _noise(31)])
    expected = _found(recogniser, waveform, 100.0)
    for chunk, block in ((5.0, 30_011), (17.0, 8000), (30.0, 100_000)):
        torch.testing.assert_close(_found(recogniser, waveform, chunk, block), expected, atol=2e-4, rtol=1e-3)
    half = waveform[: 29 * RATE]  # no longer than normalisation slides over
    torch.testing.assert_close(_found(recogniser, half, 5.0), recogniser.emissions([half])[0], atol=2e-4, rtol=1e-3)


# ── a trained model ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Recogniser:
    """A bidirectional recogniser of tones, by default normalisation."""
    home = tmp_path_factory.mktemp("home")
    write_corpus(home, train=36, dev=8)
    tree = tiny_tree(home, epochs=6, lr=0.02, log_every=50, validate_every=3, average=2)
    assert run_training(config_from_tree(tree), home / "run", resume=False, say=lambda line: None)
    system = load_system(home / "run", CPU)
    return Recogniser(system.features, system.model, system.tokenizer, system.decoder, RATE)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def minutes(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str], list[tuple[float, float]]]:
    """Two and a half minutes of tones without rests but those between words: file, words, where each text lies [s]."""
    said, waves, places, at = [], [], [], 0
    for i, text in enumerate(itertools.islice(itertools.cycle(texts(84)[4:]), 150)):
        wave = sound(text, seed=i)
        said += text.split()
        places.append((at / RATE, (at + len(wave)) / RATE))
        waves.append(wave)
        at += len(wave)
    path = tmp_path_factory.mktemp("long") / "minutes.wav"
    write_wav(path, np.concatenate(waves), RATE)
    assert at / RATE > 150
    return path, said, places


Minutes = tuple[Path, list[str], list[tuple[float, float]]]


def test_words_are_those_of_any_chunks(trained: Recogniser, minutes: Minutes) -> None:
    path, said, places = minutes
    found = {chunk: transcribe_long(trained, "x", path, chunk) for chunk in (5.0, 7.7, 10.0, 20.0, 300.0)}
    for chunk, transcript in found.items():
        assert [word.text for word in transcript.words] == said, chunk
        assert transcript.text == " ".join(said) and transcript.duration == pytest.approx(places[-1][1])
        expected = [x for word in found[300.0].words for x in (word.start, word.end)]
        assert [x for word in transcript.words for x in (word.start, word.end)] == pytest.approx(expected, abs=0.09)
    (whole,) = trained.transcribe_files([path], workers=0)
    assert whole.text == found[5.0].text
    words = iter(found[10.0].words)
    for text, (start, end) in zip(itertools.cycle(texts(84)[4:]), places, strict=False):
        for _ in text.split():
            assert start - 0.1 <= next(words).start <= end


def test_where_seams_fall_does_not_matter(trained: Recogniser) -> None:
    """Another beginning moves every seam; what was said stays."""
    waveform = torch.from_numpy(np.concatenate([sound(t, seed=i) for i, t in enumerate(texts(84)[44:])]))
    said = [word for text in texts(84)[44:] for word in text.split()]
    for extra in range(0, 4000, 800):
        emissions = _found(trained, torch.cat([0.003 * torch.randn(extra), waveform]), 5.0)
        ((best,),) = trained.decoder(emissions[None], torch.tensor([len(emissions)]))
        assert trained.tokenizer.decode(best.tokens).split() == said


def test_progress_ends_with_the_recording(trained: Recogniser, minutes: Minutes) -> None:
    path, _, places = minutes
    told: list[float] = []
    transcribe_long(trained, "x", path, 10.0, progress=told.append)
    assert told == sorted(told) and len(told) > 4 and told[-1] == pytest.approx(places[-1][1], abs=0.1)


# ── memory ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _alive() -> int:
    """Bytes of the tensors that exist, each storage once."""
    storages = [x.untyped_storage() for x in gc.get_objects() if issubclass(type(x), Tensor)]
    return sum({s.data_ptr(): s.nbytes() for s in storages}.values())


@pytest.mark.parametrize("normalize", ["utterance", "none"])
def test_memory_does_not_grow(normalize: str) -> None:
    recogniser = _convolutional(normalize=normalize)

    def peak(seconds: int) -> int:
        most = 0

        def look() -> None:
            nonlocal most
            most = max(most, _alive())

        def waveform() -> Iterator[Tensor]:
            for _ in range(seconds // 10):
                look()
                yield _noise(10)

        for _ in stretches(long_emissions(recogniser, waveform(), 10.0, 60.0), 1000, TOKENS):
            look()
        return most

    gc.collect()
    before = _alive()
    short, long = (peak(seconds) - before for seconds in (90, 270))
    assert 0 < long <= 1.2 * short, (short, long)


# ── alternatives ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_best_texts_of_two_stretches() -> None:
    left = [Alternative("a", -1.0, -0.5, -2.0), Alternative("b", -3.0), Alternative("", -9.0)]
    right = [Alternative("c", -1.0, -0.25, -4.0), Alternative("d", -2.5)]
    found = combined(left, right)
    assert [(x.text, x.score) for x in found] == [("a c", -2.0), ("a d", -3.5), ("b c", -4.0)]
    assert (found[0].acoustic, found[0].lm) == (-0.75, -6.0)
    assert combined([Alternative("", 0.0)], right) == tuple(right)
    right = [Alternative("b c", -1.0), Alternative("c", -1.5)]
    twice = combined([Alternative("a", -1.0), Alternative("a b", -2.0)], right)
    assert [(x.text, x.score) for x in twice] == [("a b c", -2.0), ("a c", -2.5)]


class _TwoTexts:
    """The best path, and all of it but its first token."""

    def __call__(self, log_probs: Tensor, lengths: Tensor) -> list[list[Hypothesis]]:
        best = [hypotheses[0] for hypotheses in GreedyDecoder()(log_probs, lengths)]
        return [[h, Hypothesis(h.tokens[1:], h.frames[1:], h.score - 1)] for h in best]


def test_alternatives_reach_the_transcript(trained: Recogniser, minutes: Minutes) -> None:
    two = Recogniser(trained.features, trained.model, trained.tokenizer, _TwoTexts(), RATE)
    short = two.transcribe([torch.from_numpy(sound("ab cd"))])[0]
    assert [x.text for x in short.nbest] == ["ab cd", "b cd"] and short.text == "ab cd"
    long = transcribe_long(two, "x", minutes[0], 20.0)
    assert len(long.nbest) == 2 and long.nbest[0].text == long.text
    assert long.nbest[0].score == pytest.approx(long.nbest[1].score + 1)


class _WithASpace:
    """The best path, the same with a space behind it, and without its first token."""

    def __init__(self, space: int) -> None:
        self.space = space

    def __call__(self, log_probs: Tensor, lengths: Tensor) -> list[list[Hypothesis]]:
        found = _TwoTexts()(log_probs, lengths)
        return [[h, replace(h, tokens=(*h.tokens, self.space), frames=(*h.frames, (0, 1))), less] for h, less in found]


def test_no_text_is_given_twice(trained: Recogniser) -> None:
    decoder = _WithASpace(trained.tokenizer.encode("a b")[1])
    several = Recogniser(trained.features, trained.model, trained.tokenizer, decoder, RATE)
    short = several.transcribe([torch.from_numpy(sound("ab cd"))])[0]
    assert [x.text for x in short.nbest] == ["ab cd", "b cd"]


def test_calibration_reaches_the_words(trained: Recogniser, minutes: Minutes) -> None:
    parts = (trained.features, trained.model, trained.tokenizer, trained.decoder, RATE)
    doubtful = Recogniser(*parts, calibration=(0.0, 0.0))
    assert {word.confidence for word in transcribe_long(doubtful, "x", minutes[0]).words} == {0.5}
    assert {word.confidence for word in doubtful.transcribe([torch.from_numpy(sound("ab cd"))])[0].words} == {0.5}


# ── short and long together ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def mixed(tmp_path: Path) -> tuple[list[Path], list[str]]:
    """Recordings of 1 to 7 s, those of 5 s and more at 1, 4 and 5, and what is said in them."""
    said = ["ab", "cd da " * 8, "da", "bc", "ab bc " * 8, "bc ab " * 7, "cd"]
    paths = [tmp_path / f"{i}.wav" for i in range(len(said))]
    for path, text in zip(paths, said, strict=True):
        write_wav(path, sound(text.strip(), seed=3), RATE)
    return paths, [text.strip() for text in said]


def test_short_and_long_come_in_the_order_given(trained: Recogniser, mixed: tuple[list[Path], list[str]]) -> None:
    paths, said = mixed
    errors: list[AudioError] = []
    told: list[float] = []
    recordings = recordings_of(paths, errors.append)
    assert [r.duration > 5 for r in recordings] == [False, True, False, False, True, True, False]
    found = list(transcribe(trained, recordings, errors.append, Pace(5.0), told.append))
    assert [(t.id, t.text) for t in found] == [(str(i), text) for i, text in enumerate(said)]
    assert told == sorted(told) and told[-1] == pytest.approx(sum(r.duration for r in recordings)) and not errors


def test_what_cannot_be_read_is_told_and_the_rest_goes_on(
    trained: Recogniser, mixed: tuple[list[Path], list[str]]
) -> None:
    paths, said = mixed
    paths[0].write_bytes(b"no sound")
    errors: list[AudioError] = []
    recordings = recordings_of(paths, errors.append)
    for i in (3, 4):  # damaged between the header's reading and the rest's
        paths[i].write_bytes(paths[i].read_bytes()[:900])
    found = list(transcribe(trained, recordings, errors.append, Pace(5.0)))
    assert [(t.id, t.text) for t in found] == [(str(i), said[i]) for i in (1, 2, 5, 6)]
    assert [Path(str(error).split(":")[0]).name for error in errors] == ["0.wav", "3.wav", "4.wav"]


@pytest.mark.parametrize(
    ("chunk", "batch", "said"),
    [(4.9, 60, "chunk seconds: are 4.9; expected >= 5"), (float("nan"), 60, "chunk"), (30, 0, "batch seconds")],
)
def test_paces_that_make_no_sense(chunk: float, batch: float, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        Pace(chunk, batch)


def test_a_bidirectional_model_of_any_weights_runs_on_silence(tmp_path: Path) -> None:
    write_wav(tmp_path / "silence.wav", np.zeros(40 * 16000), 16000)
    model = DeepSpeech2(DeepSpeech2Options(layers=1, hidden_size=8, conv_channels=2), 80, 5)
    recogniser = Recogniser(Features(FeatureOptions()), model, TOKENIZER, GreedyDecoder(), 16000)  # type: ignore[arg-type]
    (found,) = transcribe(recogniser, [Recording("s", tmp_path / "silence.wav", 40.0)], print, Pace(5.0))
    assert found.duration == 40.0 and all(0 <= w.start <= w.end <= 40 for w in found.words)
