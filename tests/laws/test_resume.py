"""Law 2: a run killed and resumed is the run that was never killed, bit for bit, in the middle of an epoch too."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from tones import tiny_tree, write_corpus

from asr import cli
from asr.config import config_from_tree, dump_config
from asr.errors import CheckpointError
from asr.runs import run_training
from asr.training import checkpoint
from asr.training.journal import Journal

CHECKPOINTED, KILLED = 7, 9  # steps; an epoch has five
WARPS = {"freq_warp": 1.5, "time_warp": 0.3}
CLOCKED = {"audio_seconds_per_second", "data_wait", "elapsed"}  # what depends on the clock

KILLING = f"""
import os, signal, sys
from pathlib import Path
from asr.config import read_config
from asr.runs import run_training
from asr.training import checkpoint
from asr.training.journal import Journal

save, record = checkpoint.save, Journal.record

def save_early(path, kind, state):
    if kind != "checkpoint" or state["state"]["step"] <= {CHECKPOINTED}:
        save(path, kind, state)

def record_and_die(self, row):
    record(self, row)
    if row["kind"] == "step" and row["step"] == {KILLED}:
        os.kill(os.getpid(), signal.SIGKILL)

checkpoint.save, Journal.record = save_early, record_and_die
run_training(read_config(sys.argv[1]), Path(sys.argv[2]), False, lambda line: None)
"""


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    write_corpus(folder, train=16, dev=3)
    return folder


@pytest.fixture(scope="module")
def tree(corpus: Path) -> dict:
    """A run with everything random that there is: dropout, perturbation, SpecAugment, warps."""
    tree = tiny_tree(corpus, epochs=3, average=2, validate_every=0.8, checkpoint_every=1e-9)
    tree["model"] |= {"dropout": 0.2, "hidden_size": 8}
    tree["perturb"] = {"speed": [0.9, 1.0, 1.1], "white_noise_probability": 0.5, "gain_db": [-3.0, 3.0]}
    tree["augment"] = {"time_masks": 1, "freq_masks": 1, "freq_width": 4, "vtlp": 0.1} | WARPS
    return tree


@pytest.fixture(scope="module")
def whole(tree: dict, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run that was never stopped."""
    run = tmp_path_factory.mktemp("whole") / "run"
    assert run_training(config_from_tree(dict(tree)), run, False, lambda line: None)
    return run


def rows(run: Path) -> list[dict]:
    every = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    return [{k: v for k, v in row.items() if k not in CLOCKED} for row in every]


def same(one: object, other: object) -> bool:
    """Whether two nests of plain data and tensors are equal to the last bit."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[k], other[k]) for k in one)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, torch.Tensor) and isinstance(other, torch.Tensor):
        return one.dtype == other.dtype and torch.equal(one, other)
    return one == other


def assert_same_run(one: Path, other: Path) -> None:
    """Equal logs, weights, optimisers and generators; the clock aside."""
    assert rows(one) == rows(other)
    for name in ("model.pt", "checkpoints/best.pt"):
        assert same(*(checkpoint.load(run / name, "model") for run in (one, other)))
    lasts = [checkpoint.load(run / "checkpoints/last.pt", "checkpoint") for run in (one, other)]
    for last in lasts:
        del last["state"]["elapsed"], last["state"]["window"]["waited"], last["state"]["window"]["seconds"]
    for part in lasts[0]:
        assert same(lasts[0][part], lasts[1][part]), part


def test_killed_and_resumed_is_never_killed(tree: dict, whole: Path, tmp_path: Path) -> None:
    (tmp_path / "tiny.yaml").write_text(dump_config(config_from_tree(dict(tree))))
    run = tmp_path / "run"
    command = [sys.executable, "-c", KILLING, str(tmp_path / "tiny.yaml"), str(run)]
    killed = subprocess.run(command, capture_output=True, text=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    saved = checkpoint.load(run / "checkpoints/last.pt", "checkpoint")["state"]
    assert saved["step"] == CHECKPOINTED and saved["batch"] > 0 and rows(run)[-1]["step"] == KILLED
    with (run / "log.jsonl").open("a") as log:
        log.write('{"kind": "st')  # as if it had died while writing
    assert run_training(config_from_tree(dict(tree)), run, True, lambda line: None)
    assert_same_run(whole, run)


LOSSES = [
    {"kind": "label_prior", "scale": 1.0, "decay": 0.5},
    {"kind": "label_prior", "scale": 1.0, "decay": 0.5, "prior": "blank"},
    {"kind": "cr_ctc", "alpha": 1.0},
]


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: "-".join(str(v) for v in loss.values()))
def test_no_loss_forgets(loss: dict, tree: dict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = config_from_tree(tree | {"loss": loss})
    assert run_training(config, tmp_path / "whole", False, lambda line: None)
    record = Journal.record

    def record_and_break(self: Journal, row: dict) -> None:
        record(self, row)
        if row["kind"] == "step" and row["step"] == KILLED:
            raise RuntimeError("broken")

    monkeypatch.setattr(Journal, "record", record_and_break)
    with pytest.raises(RuntimeError, match="broken"):
        run_training(config, tmp_path / "run", False, lambda line: None)
    monkeypatch.setattr(Journal, "record", record)
    saved = checkpoint.load(tmp_path / "run/checkpoints/last.pt", "checkpoint")["state"]
    assert saved["batch"] > 0 and saved["step"] < KILLED
    assert run_training(config, tmp_path / "run", True, lambda line: None)
    assert_same_run(tmp_path / "whole", tmp_path / "run")


@pytest.mark.parametrize("number, step", [(signal.SIGTERM, 2), (signal.SIGINT, 5), (signal.SIGINT, 12)])
def test_a_signal_saves_and_exits_well(
    number: int, step: int, tree: dict, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("tiny.yaml").write_text(dump_config(config_from_tree(dict(tree)), whole=False))
    record, before = Journal.record, signal.getsignal(number)

    def record_and_signal(self: Journal, row: dict) -> None:
        record(self, row)
        if row["kind"] == "step" and row["step"] == step:
            os.kill(os.getpid(), number)

    monkeypatch.setattr(Journal, "record", record_and_signal)
    command = ["asr", "train", "tiny.yaml", "data.workers=1"]
    monkeypatch.setattr(sys, "argv", command)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 0
    said = capsys.readouterr().out.splitlines()
    assert said[-1] == "stopped and saved; go on with: asr train tiny.yaml data.workers=1 --resume"
    assert said.count("stopping after this step …") == 1 and signal.getsignal(number) == before
    assert rows(Path("runs/tiny"))[-1]["step"] == step
    monkeypatch.setattr(Journal, "record", record)
    monkeypatch.setattr(sys, "argv", ["asr", "train", "tiny.yaml", "--resume"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 0 and f"resumed at step {step}" in capsys.readouterr().out
    assert rows(Path("runs/tiny")) == rows(whole)
    assert same(*(checkpoint.load(run / "model.pt", "model")["model"] for run in (whole, Path("runs/tiny"))))


INTERRUPTING = """
import os, signal, sys
from asr import cli
from asr.training.journal import Journal

record = Journal.record

def record_and_interrupt(self, row):
    record(self, row)
    if row["kind"] == "step" and row["step"] == 3:
        os.killpg(0, signal.SIGINT)

Journal.record = record_and_interrupt
sys.argv = ["asr", "train", "tiny.yaml", "data.workers=2"]
cli.main()
"""


def test_ctrl_c_reaches_the_workers_too(tree: dict, tmp_path: Path) -> None:
    """A terminal interrupts the whole group of processes; the workers neither die of it nor speak."""
    (tmp_path / "tiny.yaml").write_text(dump_config(config_from_tree(dict(tree))))
    command = [sys.executable, "-c", INTERRUPTING]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, start_new_session=True)
    assert done.returncode == 0 and done.stderr == ""
    assert done.stdout.count("stopping after this step …") == 1 and done.stdout.endswith("--resume\n")


def test_resuming_a_finished_run_changes_nothing(tree: dict, whole: Path) -> None:
    before, weights = rows(whole), checkpoint.load(whole / "model.pt", "model")
    assert run_training(config_from_tree(dict(tree)), whole, True, lambda line: None)
    assert rows(whole) == before and same(checkpoint.load(whole / "model.pt", "model"), weights)


def test_another_config_or_alphabet_is_refused(tree: dict, whole: Path, corpus: Path, tmp_path: Path) -> None:
    other = config_from_tree(dict(tree), ["model.hidden_size=9"])
    with pytest.raises(CheckpointError, match=r"last\.pt: made with model\.hidden_size=8; expected 9"):
        run_training(other, whole, True, lambda line: None)
    train = corpus / "train.jsonl"
    content = train.read_text()
    train.write_text(content.replace('"ab"', '"abé"', 1))
    try:
        with pytest.raises(CheckpointError, match=r"last\.pt: .*é"):
            run_training(config_from_tree(dict(tree)), whole, True, lambda line: None)
    finally:
        train.write_text(content)


def test_other_training_utterances_are_refused(tree: dict, whole: Path, corpus: Path) -> None:
    train = corpus / "train.jsonl"
    content = train.read_text()
    train.write_text("".join(content.splitlines(keepends=True)[1:]))
    try:
        with pytest.raises(CheckpointError, match="made with other training utterances"):
            run_training(config_from_tree(dict(tree)), whole, True, lambda line: None)
    finally:
        train.write_text(content)
