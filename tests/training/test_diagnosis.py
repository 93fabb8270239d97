"""Every rule is provoked by a real training run of seconds; a healthy run provokes none."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import odd_corpora
import pytest
from tones import tiny_tree

from asr.config import config_from_tree
from asr.data import dataset
from asr.runs import run_training
from asr.training.diagnosis import diagnose, word_on
from asr.training.history import Diagnosis, Row
from asr.training.journal import read_log

WHITE = ("perturb.white_noise_probability=1", "perturb.white_noise_snr_db=[-10,0]")
LONG_HOP = ("model.subsampling=4", "data.infeasible=drop", "features.hop_length=")


def train(
    folder: Path, corpus: Callable[[Path], None], overrides: tuple[str, ...] = (), **training: Any
) -> tuple[list[Row], list[str]]:
    """The log of a run on a corpus, and what was said."""
    corpus(folder)
    said: list[str] = []
    assert run_training(config_from_tree(tiny_tree(folder, **training), overrides), folder / "run", False, said.append)
    return read_log(folder / "run" / "log.jsonl"), said


def wrong(rows: list[Row]) -> dict[str, Diagnosis]:
    return {d.name: d for d in diagnose(rows) if not d.normal}


def test_a_healthy_run_has_nothing_wrong_at_any_time(tmp_path: Path) -> None:
    rows, said = train(tmp_path, odd_corpora.healthy, epochs=20, lr=0.02)
    assert rows[-1]["wer"] == 0.0
    for end in range(1, len(rows) + 1):
        assert not wrong(rows[:end])
    assert not [line for line in said if "training.lr" in line]


NEVER_LEARNS = [
    ("stuck", odd_corpora.noise, WHITE, {"epochs": 10}, ("training.lr", "asr check")),
    ("learning rate too high", odd_corpora.healthy, (), {"epochs": 8, "lr": 1.0}, ("training.lr", "--find-lr")),
    ("learning rate too low", odd_corpora.healthy, (), {"epochs": 8, "lr": 1e-5}, ("training.lr", "--find-lr")),
    ("over-fitting", odd_corpora.other_voice, (), {"epochs": 15, "lr": 0.02}, ("perturb.speed", "training.patience")),
]


@pytest.mark.parametrize(
    "name, corpus, overrides, training, keys", NEVER_LEARNS, ids=[case[0] for case in NEVER_LEARNS]
)
def test_how_a_run_learns(
    name: str, corpus: Callable, overrides: tuple, training: dict, keys: tuple, tmp_path: Path
) -> None:
    rows, said = train(tmp_path, corpus, overrides, **training)
    found = wrong(rows)
    assert list(found) == [name] and all(key in found[name].remedy for key in keys)
    assert len([line for line in said if line.startswith(f"{name}: ")]) == 1
    assert any(row.get("word") == name for row in rows if row["kind"] == "step")
    assert not wrong(rows[:10]), "nobody is told at the start"


def test_falling_silent_after_having_spoken(tmp_path: Path) -> None:
    """The learning rate rises through the good ones, and on."""
    rows, said = train(tmp_path, odd_corpora.healthy, epochs=30, lr=2.0, warmup=0.8)
    words = [row["word"] for row in rows if row["kind"] == "step"]
    assert any(word.startswith("collapsed") for word in words)
    assert any(
        line.startswith("collapsed: it spoke before and is silent now") and "training.lr" in line for line in said
    )


def test_the_plateau_is_normal_at_first_and_stuck_later(tmp_path: Path) -> None:
    """The same rows of blanks, early in a long run and late in a short one; the yardsticks are said beside the loss."""
    rows, _ = train(tmp_path, odd_corpora.noise, WHITE, epochs=10)
    blank = {"blank_share": 1.0, "empty_share": 1.0}
    early = [row | blank | {"progress": 0.1} if row["kind"] == "step" else row for row in rows]
    assert word_on(early) == "plateau of blanks" and not wrong(early)
    said = next(str(d) for d in diagnose(early))
    assert "normal until about 30% of the run" in said and "nats/token" in said
    late = [row | blank for row in rows]
    assert "still only blanks" in wrong(late)["stuck"].words
    assert "stuck" in wrong(late[1:]), "known without yardsticks too, from the blanks alone"


def test_a_loss_below_the_yardsticks_is_not_stuck(tmp_path: Path) -> None:
    rows, _ = train(tmp_path, odd_corpora.healthy, epochs=10, lr=0.02)
    rows = [row | {"wer": 1.0, "blank_share": 1.0, "empty_share": 1.0} for row in rows]
    assert not wrong(rows) and word_on(rows) == "silent yet learning"


def test_waiting_for_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = dataset.read_audio

    def slowly(*arguments: Any) -> Any:
        time.sleep(0.02)  # a network file system
        return read(*arguments)

    monkeypatch.setattr(dataset, "read_audio", slowly)
    found = wrong(train(tmp_path, odd_corpora.healthy, epochs=1)[0])
    assert "data.workers" in found["waiting for data"].remedy


LEARNED_FROM = [
    ("too much padding", odd_corpora.uneven, ("data.batch_seconds=1000",), "data.batch_seconds"),
    ("targets without room", odd_corpora.healthy, (*LONG_HOP[:2], LONG_HOP[2] + "320"), "model.subsampling"),
    ("length mismatch", odd_corpora.healthy, (*LONG_HOP[:2], LONG_HOP[2] + "400"), "features.hop_length"),
    ("sample rates differ", odd_corpora.recorded_lower, (), "features.sample_rate=4000"),
    ("narrow band", odd_corpora.upsampled, (), "features.f_max=2000"),
]


@pytest.mark.parametrize("name, corpus, overrides, remedy", LEARNED_FROM, ids=[case[0] for case in LEARNED_FROM])
def test_what_a_run_learns_from(name: str, corpus: Callable, overrides: tuple, remedy: str, tmp_path: Path) -> None:
    rows, said = train(tmp_path, corpus, overrides, epochs=6, lr=0.02)
    found = wrong(rows)
    assert name in found and remedy in found[name].remedy
    assert not found.keys() & ({case[0] for case in LEARNED_FROM} - {name})
    assert len([line for line in said if line.startswith(f"{name}: ")]) == 1


def test_utterances_that_do_not_fit_when_faster_are_counted_as_met(tmp_path: Path) -> None:
    hop = (LONG_HOP[0], "features.hop_length=256", "perturb.speed=[1.4]")
    rows, _ = train(tmp_path, odd_corpora.healthy, hop, epochs=6)
    assert rows[0]["infeasible_share"] == 0.0 and rows[-2]["infeasible"] > 0
    assert {"targets without room", "length mismatch"} & wrong(rows).keys()


def test_a_log_of_an_older_version_says_what_it_can() -> None:
    steps = [{"kind": "step", "step": i, "loss": 2.0, "blank_share": 1.0, "empty_share": 1.0} for i in range(30)]
    assert diagnose([]) == [] and word_on(steps) == "plateau of blanks"
    assert [d.name for d in diagnose([row | {"progress": 0.5} for row in steps])] == ["stuck"]
