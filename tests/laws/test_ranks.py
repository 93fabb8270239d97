"""Law 3, ranks: two processes are one that accumulates two batches; order and counts exactly, weights to tolerance."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from tones import tiny_tree, write_corpus

from asr.config import config_from_tree, dump_config
from asr.training import checkpoint

# what each rank reads is written down as `rank-<n>.jsonl`; the run itself goes through the usual door
READING = """
import json, sys
from pathlib import Path
from asr import build, runs
from asr.cli import end_process
from asr.config import read_config
from asr.world import current_world

load, world = build.load_batches, current_world("cpu")

def noting(dataset, plan, *args, **more):
    def noted():
        for keys in plan:
            with open(f"{sys.argv[2]}.rank-{world.rank}.jsonl", "a") as file:
                file.write(json.dumps(keys) + chr(10))
            yield keys
    return load(dataset, noted() if dataset.perturb else plan, *args, **more)

build.load_batches = noting
runs.run_training(read_config(sys.argv[1]), Path(sys.argv[2]), False, print)
if world.size > 1:
    end_process()  # as the verb does
"""


def launch(tmp_path: Path, tree: dict, name: str, size: int, accumulation: int) -> Path:
    """Train `tree` in `size` processes; → the run's folder."""
    config = config_from_tree(json.loads(json.dumps(tree)), [f"training.accumulation={accumulation}"])
    file, run = tmp_path / f"{name}.yaml", tmp_path / name
    file.write_text(dump_config(config))
    in_processes(size, [READING, str(file), str(run)])
    return run


def in_processes(size: int, command: list[str]) -> list[str]:
    """Run Python code with arguments in `size` processes that torchrun's environment describes; → what each said."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    processes = []
    for rank in range(size):
        place = {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(size)}
        environment = os.environ | place | {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
        line = [sys.executable, "-X", "faulthandler", "-u", "-c", *command]
        processes.append(
            subprocess.Popen(line, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        )
    said = [process.communicate(timeout=120)[0] for process in processes]
    assert all(process.returncode == 0 for process in processes), said
    return said


def read(run: Path, rank: int) -> list:
    return [json.loads(line) for line in Path(f"{run}.rank-{rank}.jsonl").read_text().splitlines()][1:]  # the probe


LOSSES = {
    "ctc": {},
    "label_prior": {"kind": "label_prior", "scale": 1.0, "decay": 0.5},
    "cr_ctc": {"kind": "cr_ctc", "alpha": 1.0},
}


@pytest.mark.parametrize("loss", LOSSES)
def test_two_ranks_are_one_that_accumulates(loss: str, tmp_path: Path) -> None:
    write_corpus(tmp_path, train=12, dev=2)
    tree = tiny_tree(tmp_path, optimizer="sgd", weight_decay=0.0, lr=0.002)
    tree["model"] |= {"hidden_size": 8, "dropout": 0.0}
    tree["perturb"] = {"speed": [0.9, 1.0, 1.1], "white_noise_probability": 0.5}
    tree["augment"] = {"freq_masks": 1, "freq_width": 4, "vtlp": 0.1, "freq_warp": 1.5, "time_warp": 0.3}
    tree["data"]["batch_seconds"], tree["loss"] = 3.4, LOSSES[loss]
    one, two = launch(tmp_path, tree, "one", 1, 2), launch(tmp_path, tree, "two", 2, 1)

    alone, shared = read(one, 0), [read(two, 0), read(two, 1)]
    assert len(alone) % 2 == 0, "an odd number of batches would make the epochs differ by design"
    assert [batch for pair in zip(*shared, strict=True) for batch in pair] == alone

    logs = [[json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()] for run in (one, two)]
    steps = [[row for row in log if row["kind"] == "step"] for log in logs]
    assert [row["step"] for row in steps[0]] == [row["step"] for row in steps[1]] and len(steps[0]) >= 4
    for a, b in zip(*steps, strict=True):
        assert (a["epoch"], a["lr"]) == (b["epoch"], b["lr"])
        yardsticks = [[row[key] for key in ("even_loss", "blanks_loss")] for row in (a, b)]
        assert yardsticks[0] == ([None, None] if loss == "label_prior" else pytest.approx(yardsticks[1]))
        assert abs(a["loss"] - b["loss"]) < 1e-3 * max(1.0, abs(a["loss"]))  # under a prior it may be near 0

    saved = [checkpoint.load(run / "checkpoints/last.pt", "checkpoint") for run in (one, two)]
    for key in saved[0]["model"]:
        if "running_" not in key and "num_batches" not in key:  # each rank sees half of the batches' statistics
            torch.testing.assert_close(saved[1]["model"][key], saved[0]["model"][key], rtol=1e-4, atol=1e-5)
    if loss == "label_prior":
        priors = [last["objective"]["prior"] for last in saved]
        torch.testing.assert_close(priors[1], priors[0], rtol=1e-4, atol=1e-6)
        assert priors[0].std() > 0.01  # it has moved


FINDING = "import os, sys; from asr import cli; os.chdir(sys.argv.pop(1)); cli.main()"


def test_a_rate_and_a_batch_are_found_together(tmp_path: Path) -> None:
    """One range test over the batches of both, one table, from one process; the other says nothing."""
    write_corpus(tmp_path, train=12, dev=2)
    tree = tiny_tree(tmp_path)
    tree["model"] |= {"hidden_size": 8, "dropout": 0.0}
    tree["data"]["batch_seconds"] = 0.5  # each utterance alone: an even number of batches
    found = []
    for name, size, accumulation in (("one", 1, 2), ("two", 2, 1)):
        config = config_from_tree(
            json.loads(json.dumps(tree | {"name": name})), [f"training.accumulation={accumulation}"]
        )
        (tmp_path / f"{name}.yaml").write_text(dump_config(config))
        said = in_processes(size, [FINDING, str(tmp_path), "train", f"{name}.yaml", "--find-lr", "--find-batch"])
        assert said[0].count("suggested: training.lr=") == said[0].count("suggested: data.batch_seconds=") == 1
        assert said[0].count("padded (s)") == 1 and not any(said[1:])
        run = tmp_path / "runs" / name
        assert sorted(path.name for path in run.iterdir()) == ["find-lr.json", "find-lr.png"]
        found.append(json.loads((run / "find-lr.json").read_text()))
        table = said[0][said[0].index("padded (s)") :].splitlines()
        found[-1]["sizes"] = [line.split()[0] for line in table[1:] if len(line.split()) == 3]
    assert found[0]["sizes"] == found[1]["sizes"] and len(found[0]["sizes"]) > 2
    losses = [[trial["loss"] for trial in each["trials"][:60]] for each in found]
    assert losses[0] == pytest.approx(losses[1], rel=1e-3)


MEETING = """
import torch
from asr.training import ranks
from asr.world import current_world
from asr.cli import end_process

world = current_world("cpu")
ranks.join(world)
print(ranks.largest([world.rank, 5.0 - world.rank], world), ranks.total([1.0 + world.rank], world))
ranks.leave(world)
end_process()
"""


def test_the_largest_of_all_ranks_is_known_to_all() -> None:
    assert in_processes(2, [MEETING]) == ["[1.0, 5.0] [3.0]\n"] * 2
