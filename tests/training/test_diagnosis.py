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
from asr.training.diagnosis import diagnose, diagnose_all, word_on
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


def ever(rows: list[Row]) -> set[str]:
    """The names of all that was wrong at any time."""
    return {name for end in range(1, len(rows) + 1) for name in wrong(rows[:end])}


def test_a_healthy_run_has_nothing_wrong_at_any_time(tmp_path: Path) -> None:
    rows, said = train(tmp_path, odd_corpora.healthy, epochs=20, lr=0.02)
    assert rows[-1]["wer"] == 0.0 and not ever(rows) and not diagnose_all(rows)
    assert not [line for line in said if "training.lr" in line]


@pytest.mark.parametrize("lr", [0.005, 0.02])
def test_speech_that_slows_down_with_its_length_is_no_wrong_rate(lr: float, tmp_path: Path) -> None:
    """The first epoch runs from short to long, and long utterances cost an untrained model three times as much."""
    rows, _ = train(tmp_path, odd_corpora.slowing(1, train=240), ("data.batch_seconds=12",), epochs=5, lr=lr)
    assert rows[-1]["wer"] < 0.5 and not ever(rows)


@pytest.mark.parametrize("slow, lr", [(1, 0.01), (2, 0.01), (3, 0.005), (3, 0.02)])
def test_nor_is_it_where_too_little_is_heard_to_learn_it(slow: float, lr: float, tmp_path: Path) -> None:
    rows, _ = train(tmp_path, odd_corpora.slowing(slow), ("data.batch_seconds=12",), epochs=5, lr=lr)
    assert ever(rows) <= {"stuck", "no words"}
    assert rows[-1]["wer"] < 0.9 or diagnose_all(rows)


LONG_BATCH = ("data.batch_seconds=12",)
SLOWING = odd_corpora.slowing(3)
NEVER_LEARNS = [
    ("stuck", odd_corpora.noise, WHITE, {"epochs": 10}, ("--find-lr", "asr check")),
    ("learning rate too high", odd_corpora.healthy, (), {"epochs": 8, "lr": 1.0}, ("training.lr", "--find-lr")),
    ("learning rate too high", SLOWING, LONG_BATCH, {"epochs": 5, "lr": 0.05}, ("a third", "--find-lr")),
    ("learning rate too low", odd_corpora.healthy, (), {"epochs": 8, "lr": 1e-5}, ("ten times", "--find-lr")),
    ("over-fitting", odd_corpora.other_voice, (), {"epochs": 15, "lr": 0.02}, ("perturb.speed", "training.patience")),
]
NAMES = ["stuck", "diverging", "bursting gradient", "too low", "over-fitting"]


@pytest.mark.parametrize("name, corpus, overrides, training, keys", NEVER_LEARNS, ids=NAMES)
def test_how_a_run_learns(
    name: str, corpus: Callable, overrides: tuple, training: dict, keys: tuple, tmp_path: Path
) -> None:
    rows, said = train(tmp_path, corpus, overrides, **training)
    found = {d.name: d for d in diagnose_all(rows) if not d.normal}
    assert name in found and all(key in found[name].remedy for key in keys)
    assert set(found) <= {name, "no words", "words lost"}
    assert len([line for line in said if line.startswith(f"{name}: ")]) == 1
    assert any(row.get("word") == name for row in rows if row["kind"] == "step")
    assert not wrong(rows[:10]), "nobody is told at the start"
    if "gradient" in found[name].words and corpus is SLOWING:
        even = [row | {"gradient_norm": 2.0} if row["kind"] == "step" else row for row in rows]
        assert name not in ever(even), "it is the gradient that tells"


def test_a_ruined_run_says_so_to_the_end(tmp_path: Path) -> None:
    """At a rate ten times too high the loss goes up tenfold, and by and by below the yardstick, with no word right."""
    rows, _ = train(tmp_path, odd_corpora.healthy, epochs=10, lr=0.3)
    assert rows[-1]["wer"] >= 0.9
    found = {d.name: d for d in diagnose_all(rows) if not d.normal}
    assert found["learning rate too high"].past and "until step" in found["learning rate too high"].words
    assert "a third of training.lr" in found["words lost"].remedy and not found["words lost"].past
    assert all("ten times" not in d.remedy for d in found.values())
    page = (tmp_path / "run" / "train.html").read_text()
    assert "Nothing looks wrong" not in page and "earlier: learning rate too high" in page and "words lost" in page


def test_falling_silent_after_having_spoken(tmp_path: Path) -> None:
    """The learning rate rises through the good ones, and on."""
    rows, said = train(tmp_path, odd_corpora.healthy, epochs=30, lr=2.0, warmup=0.8)
    words = [row["word"] for row in rows if row["kind"] == "step"]
    assert any(word.startswith("collapsed") for word in words)
    assert any(
        line.startswith("collapsed: it spoke before and is silent now") and "training.lr" in line for line in said
    )


def test_the_plateau_is_normal_at_first_and_stuck_later(tmp_path: Path) -> None:
    """Noise, and so long that saying nothing is the best that can be said of it."""
    rows, said = train(tmp_path, odd_corpora.long_noise, (*WHITE, "data.batch_seconds=11"), epochs=12, lr=0.03)
    words = [(row["progress"], row["word"]) for row in rows if row["kind"] == "step"]
    assert all(progress < 0.3 for progress, word in words if word == "plateau of blanks")
    assert "plateau of blanks" in {word for _, word in words}
    early = next(rows[: i + 1] for i, row in enumerate(rows) if row.get("word") == "plateau of blanks")
    plateau = next(str(d) for d in diagnose(early) if d.normal)
    assert "normal until about 30% of the run" in plateau and "nats/token" in plateau
    assert "still only blanks" in wrong(rows)["stuck"].words and ever(rows) == {"stuck"}
    assert len([line for line in said if line.startswith("stuck: still only blanks")]) == 1
    assert "stuck" in wrong(rows[1:]), "known without the run's own yardsticks too"


def test_a_loss_below_the_yardsticks_is_not_stuck(tmp_path: Path) -> None:
    rows, _ = train(tmp_path, odd_corpora.healthy, epochs=10, lr=0.02)
    silent = {"wer": 1.0, "blank_share": 1.0, "empty_share": 1.0}
    rows = [row | silent | {"progress": min(0.9, row.get("progress", 0.0))} for row in rows]
    assert not wrong(rows) and word_on(rows) == "silent yet learning, no words yet"
    assert list(wrong([*rows[:-1], rows[-1] | {"progress": 1.0}])) == ["no words"]


def test_a_rate_is_never_called_both(tmp_path: Path) -> None:
    """What was said of it first stays; the other is not said, whatever comes."""
    rows, _ = train(tmp_path, odd_corpora.healthy, epochs=8, lr=1.0)
    other = [row | {"word": "learning rate too low"} if row["step"] == 5 else row for row in rows]
    assert "learning rate too high" in ever(rows) and "learning rate too high" not in wrong(other)
    rows, _ = train(tmp_path / "low", odd_corpora.healthy, epochs=8, lr=1e-5)
    other = [row | {"word": "learning rate too high"} if row["step"] == 5 else row for row in rows]
    assert "learning rate too low" in wrong(rows) and "learning rate too low" not in wrong(other)
    assert all("ten times" not in d.remedy for d in diagnose(other))


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
    ("sample rates differ", odd_corpora.mixed_rates, (), "features.sample_rate=4000"),
    ("narrow band", odd_corpora.upsampled, (), "features.f_max=2000"),
]


@pytest.mark.parametrize(
    "name, corpus, overrides, remedy", LEARNED_FROM, ids=[f"{case[0]}, {case[1].__name__}" for case in LEARNED_FROM]
)
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
