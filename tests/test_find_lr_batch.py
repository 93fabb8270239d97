"""`asr train --find-lr` and `--find-batch` on tones: what they suggest works, and no run notices them."""

import itertools
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from tones import tiny_tree, write_corpus

from asr.config import Config, config_from_tree, dump_config
from asr.errors import TrainingError
from asr.finding import find_batch, find_rate
from asr.runs import run_training
from asr.training import checkpoint
from asr.training.finding import Size, best_rate
from asr.training.journal import read_log
from asr.training.trainer import Trainer


def quiet(line: str) -> None:
    """Say nothing."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tones")
    write_corpus(folder, train=24, dev=4)
    return folder


def config(folder: Path, **training: float) -> Config:
    return config_from_tree(tiny_tree(folder, **training))


def test_the_suggested_rate_learns_what_much_lower_and_higher_ones_do_not(folder: Path, tmp_path: Path) -> None:
    best = best_rate(find_rate(config(folder), quiet))
    assert best is not None and 3e-3 < best < 0.3
    wers = []
    for factor in (0.01, 1.0, 100.0):
        run = tmp_path / str(factor)
        assert run_training(config(folder, epochs=8, lr=best * factor), run, False, quiet)
        wers.append(read_log(run / "log.jsonl")[-1]["best_wer"])
    assert wers[1] < 0.1 and wers[0] > 0.4 and wers[2] > 0.4


def test_a_later_training_is_the_same(folder: Path, tmp_path: Path) -> None:
    assert run_training(config(folder, epochs=1), tmp_path / "a", False, quiet)
    drawn = []
    for search in (lambda: None, lambda: find_rate(config(folder), quiet), lambda: find_batch(config(folder), quiet)):
        torch.manual_seed(3)
        np.random.seed(3)
        search()
        drawn.append((torch.rand(2).tolist(), np.random.rand(2).tolist()))
    assert drawn[0] == drawn[1] == drawn[2]
    assert run_training(config(folder, epochs=1), tmp_path / "b", False, quiet)
    one, other = (checkpoint.load(tmp_path / run / "model.pt", "model")["model"] for run in "ab")
    assert all(torch.equal(one[k], other[k]) for k in one)


def test_batches_grow_to_the_corpus_longest_first(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[int]] = []
    probe = Trainer.probe
    monkeypatch.setattr(Trainer, "probe", lambda self, indices: (seen.append(indices), probe(self, indices))[1])
    told: list[Size] = []
    sizes = find_batch(config(folder), quiet, told.append)
    assert told == sizes and [len(s) for s in seen[::2]] == [1, 2, 4, 8, 16, 24]
    assert all(size.pace > 0 and size.memory > 0 for size in sizes)
    assert [s.memory for s in sizes] == sorted(s.memory for s in sizes)
    assert all(longer[: len(short)] == short for short, longer in itertools.pairwise(seen))


def test_too_little_memory_ends_the_growth(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    probe = Trainer.probe

    def small(self: Trainer, indices: list[int]) -> float:
        if len(indices) > 5:
            raise TrainingError("the longest batch does not fit into memory")
        return probe(self, indices)

    monkeypatch.setattr(Trainer, "probe", small)
    sizes = find_batch(config(folder), quiet)
    assert [round(size.seconds / sizes[0].seconds) for size in sizes] == [1, 2, 4, 5]


def test_the_verb_says_and_writes_what_it_found(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    from asr.cli import app

    monkeypatch.chdir(tmp_path)
    Path("tiny.yaml").write_text(dump_config(config(folder)))
    app(["train", "tiny.yaml", "--find-lr", "--find-batch"], standalone_mode=False)
    said = capsys.readouterr().out
    found = json.loads(Path("runs/tiny/find-lr.json").read_text())
    assert f"suggested: training.lr={found['suggestion']:.1e}" in said and "suggested: data.batch_seconds=" in said
    assert sorted(path.name for path in Path("runs/tiny").iterdir()) == ["find-lr.json", "find-lr.png"]
