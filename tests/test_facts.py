"""What is known of a run before its first step."""

from pathlib import Path

import numpy as np
import odd_corpora
import pytest
import torch
from tones import tiny_tree

from asr.audio.io import write_wav
from asr.build import build_system, read_training_data
from asr.config import config_from_tree
from asr.facts import facts_of


def facts(folder: Path, *overrides: str) -> dict:
    config = config_from_tree(tiny_tree(folder), overrides)
    data = read_training_data(config, lambda line: None)
    return facts_of(build_system(config, data.tokenizer, torch.device("cpu")), data)


def test_targets_and_frames(tmp_path: Path) -> None:
    odd_corpora.healthy(tmp_path)
    found = facts(tmp_path)
    assert found["utterances"] == 24 and found["dev_utterances"] == 4 and found["infeasible_share"] == 0.0
    assert (found["warmup"], found["sortagrad"]) == (0.1, "first_epoch")
    assert found["unigram_loss"] <= found["blanks_loss"] < found["even_loss"]
    tight = facts(tmp_path, "model.subsampling=4", "features.hop_length=400")
    assert tight["infeasible_share"] > 0.5 and tight["frames_per_label"] < found["frames_per_label"]


@pytest.mark.parametrize(
    "corpus, usual, lower, narrow",
    [("healthy", 8000, 0.0, 0.0), ("recorded_lower", 4000, 1.0, 0.0), ("upsampled", 8000, 0.0, 1.0)],
)
def test_rates_and_bands(corpus: str, usual: int, lower: float, narrow: float, tmp_path: Path) -> None:
    getattr(odd_corpora, corpus)(tmp_path)
    found = facts(tmp_path)
    assert (found["usual_rate"], found["lower_rate_share"], found["narrow_share"]) == (usual, lower, narrow)


def test_the_usual_one_of_the_lower_rates(tmp_path: Path) -> None:
    odd_corpora.mixed_rates(tmp_path)
    found = facts(tmp_path)
    assert (found["usual_rate"], found["usual_lower_rate"]) == (8000, 4000)
    assert found["lower_rate_share"] == pytest.approx(13 / 24)


def test_what_cannot_be_read_is_passed_over(tmp_path: Path) -> None:
    odd_corpora.healthy(tmp_path)
    (tmp_path / "audio" / "train-0.wav").write_bytes(b"not audio")
    write_wav(tmp_path / "audio" / "train-1.wav", np.zeros(8000, np.float32), 8000)
    assert facts(tmp_path)["narrow_share"] < 0.1, "silence has no band to be narrow"


def test_the_generators_are_left_alone(tmp_path: Path) -> None:
    odd_corpora.healthy(tmp_path)
    config = config_from_tree(tiny_tree(tmp_path))
    data = read_training_data(config, lambda line: None)
    system = build_system(config, data.tokenizer, torch.device("cpu"))
    torch.manual_seed(1)
    facts_of(system, data)
    drawn = torch.rand(1)
    torch.manual_seed(1)
    assert torch.equal(drawn, torch.rand(1))
