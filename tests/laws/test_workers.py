"""Law 3, workers: whoever reads the batches, the run is the same to the last bit."""

import json
from pathlib import Path

import pytest
import torch
from tones import tiny_tree, write_corpus

from asr.config import config_from_tree
from asr.runs import run_training
from asr.training import checkpoint

CLOCKED = {"audio_seconds_per_second", "data_wait", "elapsed"}
WARPS = {"freq_warp": 1.5, "time_warp": 0.3}


@pytest.mark.parametrize("perturbed", [False, True])
def test_no_worker_is_two_workers(tmp_path: Path, perturbed: bool) -> None:
    write_corpus(tmp_path, train=10, dev=2)
    tree = tiny_tree(tmp_path)
    tree["model"] |= {"hidden_size": 8, "dropout": 0.2}
    if perturbed:
        tree["perturb"] = {"speed": [0.9, 1.0, 1.1], "white_noise_probability": 0.5, "gain_db": [-3.0, 3.0]}
        tree["augment"] = {"time_masks": 1, "freq_masks": 1, "freq_width": 4, "vtlp": 0.1} | WARPS
    logs, weights = [], []
    for workers in (0, 2):
        run = tmp_path / f"run{workers}"
        config = config_from_tree(json.loads(json.dumps(tree)), [f"data.workers={workers}"])
        assert run_training(config, run, False, lambda line: None)
        rows = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
        logs.append([{k: v for k, v in row.items() if k not in CLOCKED} for row in rows])
        weights.append(checkpoint.load(run / "checkpoints" / "last.pt", "checkpoint")["model"])
    assert logs[0] == logs[1] and len(logs[0]) > 4
    assert all(torch.equal(weights[0][key], weights[1][key]) for key in weights[0])
