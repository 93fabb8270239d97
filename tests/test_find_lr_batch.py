"""`asr train --find-lr` and `--find-batch` on tones: what they suggest works, and no run notices them."""

import itertools
import json
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from tones import tiny_tree, write_corpus

from asr import finding
from asr.cli import finding as verb
from asr.config import Config, config_from_tree, dump_config
from asr.data.manifest import read_manifest
from asr.errors import TrainingError
from asr.finding import find_batch, find_rate
from asr.runs import run_training
from asr.training import checkpoint
from asr.training.finding import Size, best_rate
from asr.training.journal import read_log
from asr.training.probe import try_out
from asr.training.trainer import Trainer


def quiet(line: str) -> None:
    """Say nothing."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tones")
    write_corpus(folder, train=24, dev=4)
    return folder


def config(folder: Path, perturb: dict | None = None, model: dict | None = None, **training: float) -> Config:
    tree = tiny_tree(folder, **training)
    return config_from_tree(tree | {"perturb": perturb or {}, "model": model or tree["model"]})


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
    sizes, corpus = find_batch(config(folder), quiet, told.append)
    assert corpus == pytest.approx(sum(u.duration for u in read_manifest(folder / "train.jsonl")))
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
    sizes, _ = find_batch(config(folder), quiet)
    assert [round(size.seconds / sizes[0].seconds) for size in sizes] == [1, 2, 4, 5]


@pytest.mark.parametrize("speed", [0.5, 2.0])
def test_seconds_are_those_of_the_recordings_as_they_are_played(speed: float, folder: Path) -> None:
    """What the sampler counts against data.batch_seconds, and what is in the batch that is tried."""
    sizes, corpus = find_batch(config(folder, perturb={"speed": [speed]}), quiet)
    plain, whole = find_batch(config(folder), quiet)
    assert [s.seconds for s in sizes] == pytest.approx([s.seconds / speed for s in plain])
    assert corpus == pytest.approx(whole / speed)


def test_an_epoch_is_shared_by_accumulation(folder: Path) -> None:
    assert find_batch(config(folder, accumulation=4), quiet).corpus * 4 == pytest.approx(
        find_batch(config(folder), quiet).corpus
    )


def test_the_peak_of_a_size_that_did_not_fit_is_forgotten(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a GPU, whose peak can be reset: 1 MB in use, and 1 MB an utterance, also where that is too much."""
    peak = [0]
    probe = Trainer.probe

    def hungry(self: Trainer, indices: list[int]) -> float:
        peak[0] = max(peak[0], (1 + len(indices)) << 20)
        if len(indices) > 5:
            raise TrainingError("the longest batch does not fit into memory")
        return probe(self, indices)

    monkeypatch.setattr(Trainer, "probe", hungry)
    monkeypatch.setattr(finding, "peak_memory", lambda device: peak[0])
    monkeypatch.setattr(finding, "forget_peak_memory", lambda device: peak.__setitem__(0, 1 << 20))
    sizes, _ = find_batch(config(folder), quiet)
    assert [s.memory / 2**20 for s in sizes] == [2, 3, 5, 6], "the fifth after one of eight and one of six did not fit"


def test_a_probe_that_fails_leaves_the_model_as_it_was(folder: Path) -> None:
    model = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.BatchNorm1d(2))
    batch = SimpleNamespace(ids=("a", "b"))

    def losses(batch: SimpleNamespace) -> torch.Tensor:
        model(torch.randn(2, 2)).sum().backward()
        raise MemoryError

    before = {k: v.clone() for k, v in model.state_dict().items()}
    with pytest.raises(TrainingError, match="does not fit into memory"):
        try_out(model, [batch], losses, "run")
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())
    assert all(p.grad is None for p in model.parameters())


def test_where_nothing_fits_no_key_is_named_that_the_model_lacks(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    def small(self: Trainer, indices: list[int]) -> float:
        raise TrainingError("the longest batch does not fit into memory")

    monkeypatch.setattr(Trainer, "probe", small)
    quartznet = {"kind": "quartznet", "blocks": 1, "repeats": 1, "width": 8}
    verb.find_batch(config(folder, model=quartznet))
    said = capsys.readouterr().out
    assert "not even the longest utterance fits" in said and "hidden_size" not in said


def test_the_verb_says_and_writes_what_it_found(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    from asr.cli import app

    monkeypatch.chdir(tmp_path)
    Path("tiny.yaml").write_text(dump_config(config(folder)))
    app(["train", "tiny.yaml", "--find-lr", "--find-batch"], standalone_mode=False)
    said = capsys.readouterr().out
    found = json.loads(Path("runs/tiny/find-lr.json").read_text())
    assert f"suggested: training.lr={found['suggestion']:.1e}" in said
    seconds = float(re.search(r"suggested: data\.batch_seconds=([\d.]+), ", said)[1])
    assert 1.0 < seconds < 2.9, "one or two of the longest; more would leave an epoch few steps"
    assert "the corpus is the limit" in said or "the corpus is too small for 10 steps" in said
    assert "the whole corpus fits" in said
    assert sorted(path.name for path in Path("runs/tiny").iterdir()) == ["find-lr.json", "find-lr.png"]
