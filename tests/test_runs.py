"""A run goes on only with the units it was started with, and one from before units could be chosen goes on."""

from pathlib import Path
from typing import Any

import pytest
import torch
from tones import tiny_tree, write_corpus
from units import KINDS, text_options

from asr.config import Config, config_from_tree
from asr.data.manifest import read_manifest
from asr.errors import CheckpointError
from asr.runs import run_training
from asr.text.normalize import UNIT_OPTIONS
from asr.training import checkpoint


def quiet(line: str) -> None:
    """Say nothing."""


@pytest.fixture(params=KINDS)
def started(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Config, Path]:
    """The configuration and folder of a finished run of one epoch with each kind of units."""
    write_corpus(tmp_path, train=4, dev=2)
    texts = [u.text for u in read_manifest(tmp_path / "train.jsonl")]
    tree: dict[str, Any] = tiny_tree(tmp_path, epochs=1)
    tree["text"] = text_options(request.param, texts, tmp_path).model_dump(mode="json", exclude_defaults=True)
    config, run = config_from_tree(tree), tmp_path / "run"
    assert run_training(config, run, False, quiet)
    return config, run


def test_every_kind_of_units_goes_on(started: tuple[Config, Path]) -> None:
    config, run = started
    assert run_training(config, run, True, quiet)


def test_other_units_are_refused(started: tuple[Config, Path]) -> None:
    config, run = started
    manifest = config.data.train
    content = manifest.read_text()
    if config.text.lexicon is None:
        manifest.write_text(content.replace('"ab"', '"abé"', 1))
        with pytest.raises(CheckpointError, match=r"made with another alphabet \(.*é.* differ\); expected the"):
            run_training(config, run, True, quiet)
    else:  # the same phones, another word
        config.text.lexicon.write_text(config.text.lexicon.read_text() + "ba  p62 p61\n")
        with pytest.raises(CheckpointError, match=r"made with another (lexicon|alphabet \().*; expected the"):
            run_training(config, run, True, quiet)


def test_long_lists_of_tokens_are_cut(tmp_path: Path) -> None:
    write_corpus(tmp_path, train=4, dev=2)
    config = config_from_tree(tiny_tree(tmp_path, epochs=1))
    assert run_training(config, tmp_path / "run", False, quiet)
    content = config.data.train.read_text()
    for before, after in (("ab", "efg"), ("cd", "hij"), ("da", "klm"), ("bc", "nop")):
        content = content.replace(f'"{before}"', f'"{after}"')
    config.data.train.write_text(content)
    config.data.dev.write_text(content)
    with pytest.raises(CheckpointError, match=r"another alphabet \(a, b, c, d, e, f, g, h, i, j, … differ\)"):
        run_training(config, tmp_path / "run", True, quiet)


def test_a_run_from_before_units_could_be_chosen_goes_on(tmp_path: Path) -> None:
    write_corpus(tmp_path, train=4, dev=2)
    config, run = config_from_tree(tiny_tree(tmp_path, epochs=1)), tmp_path / "run"
    assert run_training(config, run, False, quiet)
    last = run / "checkpoints" / "last.pt"
    saved = checkpoint.load(last, "checkpoint")
    for key in UNIT_OPTIONS:
        del saved["parts"]["config"]["text"][key]
    torch.save(saved, last)
    assert run_training(config, run, True, quiet)
