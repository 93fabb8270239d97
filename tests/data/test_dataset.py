"""Utterances as examples, and examples as batches, with and without workers."""

import multiprocessing
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tones import RATE, write_corpus

from asr.audio.perturb import Perturbation, PerturbOptions
from asr.data.dataset import SpeechDataset, collate, encode_all
from asr.data.loader import load_batches
from asr.errors import AudioError, VocabularyError
from asr.text.characters import CharTokenizer
from asr.types import Batch, Example, Utterance

ALL = PerturbOptions(speed=[0.9, 1.0, 1.1], gain_db=(-6.0, 6.0), white_noise_probability=0.5)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> list[Utterance]:
    return write_corpus(tmp_path_factory.mktemp("corpus"), train=8)


def dataset(utterances: list[Utterance], options: PerturbOptions | None = None, seed: int = 3) -> SpeechDataset:
    tokenizer = CharTokenizer(["<blank>", *" abcd"])
    targets = encode_all(utterances, str, tokenizer)
    return SpeechDataset(utterances, targets, RATE, Perturbation(options, RATE) if options else None, seed)


def test_an_unknown_character_names_the_utterance(corpus: list[Utterance]) -> None:
    bad = [*corpus[:2], replace(corpus[2], text="ab é")]
    with pytest.raises(VocabularyError, match=r"^utt train-2: 'é' .*vocabulary"):
        dataset(bad)


def test_an_example_holds_what_the_manifest_says(corpus: list[Utterance]) -> None:
    example = dataset(corpus)[0, 3]
    assert (example.index, example.id) == (3, "train-3")
    assert example.waveform.dtype == torch.float32 and len(example.waveform) == round(corpus[3].duration * RATE)
    assert example.targets.dtype == torch.int64
    assert CharTokenizer(["<blank>", *" abcd"]).decode(example.targets.tolist()) == corpus[3].text


def test_a_stretch_of_a_file_is_read(corpus: list[Utterance]) -> None:
    part = replace(corpus[0], offset=0.1, duration=0.05)
    whole, stretch = dataset(corpus)[0, 0].waveform, dataset([part])[0, 0].waveform
    torch.testing.assert_close(stretch, whole[800:1200])


def test_an_unreadable_recording_names_the_utterance(corpus: list[Utterance], tmp_path: Path) -> None:
    (tmp_path / "bad.wav").write_bytes(b"no sound")
    with pytest.raises(AudioError, match=r"^utt train-1: .*bad\.wav"):
        dataset([replace(corpus[1], audio=tmp_path / "bad.wav")])[0, 0]


def test_perturbation_depends_on_seed_epoch_and_index_alone(corpus: list[Utterance]) -> None:
    data = dataset(corpus, ALL)
    wanted = data[1, 2].waveform
    data[0, 0], data[4, 1]
    np.random.default_rng(0)
    torch.testing.assert_close(dataset(corpus, ALL)[1, 2].waveform, wanted, rtol=0, atol=0)
    for other in (data[2, 2].waveform, dataset(corpus, ALL, seed=4)[1, 2].waveform):
        assert other.shape != wanted.shape or not torch.equal(other, wanted)
    same = dataset([corpus[0]] * 8, ALL)
    assert len({tuple(same[0, i].waveform[:200].tolist()) for i in range(8)}) > 1


@pytest.mark.parametrize("options", [None, PerturbOptions(gain_db=(-3.0, 3.0)), ALL])
def test_durations_are_those_of_the_perturbed_waveforms(
    corpus: list[Utterance], options: PerturbOptions | None
) -> None:
    data = dataset(corpus, options)
    for epoch in range(3):
        durations = data.durations(epoch)
        for i, duration in enumerate(durations):
            assert abs(len(data[epoch, i].waveform) - duration * RATE) <= 2
    speeds = [u.duration / d for u, d in zip(corpus, data.durations(0), strict=True)]
    assert (len({round(s, 3) for s in speeds}) > 1) == (options is ALL)


def test_collate_pads_with_zeros_and_keeps_lengths() -> None:
    long = Example(7, "long", torch.ones(5), torch.tensor([1, 2]))
    short = Example(2, "short", torch.ones(3), torch.tensor([], dtype=torch.int64))
    batch = collate([long, short])
    assert batch.indices == (7, 2) and batch.ids == ("long", "short")
    assert batch.waveforms.tolist() == [[1.0] * 5, [1.0, 1.0, 1.0, 0.0, 0.0]] and batch.targets.tolist() == [
        [1, 2],
        [0, 0],
    ]
    assert batch.waveform_lengths.tolist() == [5, 3] and batch.target_lengths.tolist() == [2, 0]
    assert batch.waveform_lengths.dtype == batch.target_lengths.dtype == torch.int64
    assert batch.samples == 8


PLAN = [[(0, 1), (0, 4)], [(0, 7)], [(1, 1), (1, 0), (1, 2)], [(2, 3)]]


def same(one: Batch, other: Batch) -> bool:
    tensors = ("waveforms", "waveform_lengths", "targets", "target_lengths")
    return one.ids == other.ids and all(torch.equal(getattr(one, t), getattr(other, t)) for t in tensors)


@pytest.mark.parametrize("workers", [0, 1, 2])
def test_batches_come_in_the_order_of_the_plan(corpus: list[Utterance], workers: int) -> None:
    data = dataset(corpus, ALL)
    before = torch.get_rng_state()
    batches = list(load_batches(data, iter(PLAN), workers))
    assert torch.equal(torch.get_rng_state(), before)
    assert [b.indices for b in batches] == [tuple(i for _, i in keys) for keys in PLAN]
    assert all(same(batch, collate([data[k] for k in keys])) for batch, keys in zip(batches, PLAN, strict=True))


@pytest.mark.parametrize("workers", [0, 2])
def test_an_error_in_a_worker_is_the_same_one_line(corpus: list[Utterance], workers: int, tmp_path: Path) -> None:
    bad = [*corpus[:4], replace(corpus[4], audio=tmp_path / "absent.wav"), *corpus[5:]]
    batches = load_batches(dataset(bad), [[(0, 0)], [(0, 4)], [(0, 1)]], workers)
    assert next(batches).indices == (0,)
    with pytest.raises(AudioError) as caught:
        next(batches)
    assert str(caught.value).startswith("utt train-4: ") and "\n" not in str(caught.value)
    assert not multiprocessing.active_children()  # though the traceback still lives


UNFINISHED = """
import sys, time
from torch.utils.data import Dataset
from asr.data.loader import load_batches

class Stuck(Dataset):
    def __getitem__(self, key):
        time.sleep(3600)

batches = load_batches(Stuck(), [[(0, 0)]], 1)
"""


def test_a_process_ends_though_its_workers_leave_signals_to_it() -> None:
    done = subprocess.run([sys.executable, "-c", UNFINISHED], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
