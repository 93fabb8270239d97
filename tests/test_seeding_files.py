"""Randomness that can be named, files that are whole or not there, and the environment's one door."""

import random
from pathlib import Path

import numpy as np
import pytest
import torch

from asr.files import whole, write_text
from asr.seeding import capture, generator, restore, seed_everything
from asr.world import World, cache_folder, current_world


def draw() -> list[float]:
    return [
        random.random(),
        random.gauss(0, 1),
        np.random.rand(),
        np.random.randn(),
        float(torch.rand(())),
        float(torch.randn(())),
    ]


def test_generators_depend_on_their_key_alone() -> None:
    keys = [(1, 0, 0), (1, 0, 1), (1, 1, 0), (0, 1, 1), (2, 0, 0)]  # of one length: numpy ignores zeros at the end
    assert len({tuple(generator(*key).random(3)) for key in keys}) == len(keys)
    assert generator(3, 4, 5).random() == generator(3, 4, 5).random()
    assert generator(3, 4, 5).random() != generator(3, 5, 4).random()


def test_what_was_drawn_is_drawn_again() -> None:
    seed_everything(3)
    first = draw()
    state = capture()
    second = draw()
    restore(state)
    assert draw() == second != first
    seed_everything(3)
    assert draw() == first


def test_the_state_survives_a_checkpoint(tmp_path: Path) -> None:
    torch.save(capture(), tmp_path / "g.pt")
    wanted = draw()
    seed_everything(9)
    restore(torch.load(tmp_path / "g.pt", weights_only=True))
    assert draw() == wanted


def test_a_file_is_whole_or_not_there(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "a.txt"
    write_text(path, "ünë\n")
    with pytest.raises(RuntimeError), whole(path) as scratch:
        scratch.write_text("half")
        assert scratch.parent == path.parent and scratch.suffix == path.suffix  # one disk, and the format's suffix
        assert path.read_text(encoding="utf-8") == "ünë\n"
        raise RuntimeError
    assert path.read_text(encoding="utf-8") == "ünë\n" and list(path.parent.iterdir()) == [path]


def test_the_world_of_one_and_of_many(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK"):
        monkeypatch.delenv(name, raising=False)
    assert current_world("cpu") == World(0, 1, torch.device("cpu")) and current_world("cpu").is_main
    monkeypatch.setenv("RANK", "3")
    monkeypatch.setenv("WORLD_SIZE", "4")
    assert current_world("cpu") == World(3, 4, torch.device("cpu")) and not current_world("cpu").is_main


def test_the_cache_is_where_it_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ASR_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.setenv("ASR_CACHE", "")
    assert cache_folder().is_relative_to(Path.home())
