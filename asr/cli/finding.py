"""What `asr train --find-lr` and `--find-batch` print and write."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

from asr.cli.terminal import bar, say

if TYPE_CHECKING:
    from asr.config import Config
    from asr.training.finding import Size

_LINES = 13  # of the table: two a decade


def find_rate(config: "Config", run: Path) -> None:
    """Print the range test and a suggestion → RUN/find-lr.{json,png}."""
    from asr.evaluation.curves import draw_range_test
    from asr.files import write_text
    from asr.finding import find_rate as trials_of
    from asr.training.finding import best_rate

    with bar("range test") as advance:
        trials = trials_of(config, say, advance)
    best = best_rate(trials)
    print("      lr  loss (nats/token)")
    for trial in trials[:: max(1, len(trials) // _LINES)]:
        print(f"{trial.lr:8.1e}  {trial.smooth:.3f}")
    rows = [trial._asdict() for trial in trials]
    write_text(run / "find-lr.json", json.dumps({"suggestion": best, "trials": rows}, indent=1) + "\n")
    draw_range_test(trials, best, run / "find-lr.png")
    print(f"written: {run}/find-lr.json, find-lr.png")
    print(
        "the loss fell at no rate: look at the data with `asr check` first"
        if best is None
        else f"suggested: training.lr={best:.1e} ({config.training.lr:.1e} in the configuration)"
    )


def find_batch(config: "Config") -> None:
    """Print every size tried, the largest that fits, and the smallest that is nearly as fast as the fastest."""
    from asr.finding import LONGEST_STEP
    from asr.finding import find_batch as sizes_of
    from asr.training.finding import best_size

    def line(size: "Size") -> None:
        print(f"{size.seconds:10.1f}  {size.memory / 2**20:11.0f}  {size.pace:10.0f}", flush=True)

    print("padded (s)  memory (MB)  audio-s/s")
    sizes = sizes_of(config, say, line)
    best, most = best_size(sizes), max(sizes, key=lambda size: size.seconds, default=None)
    if best is None or most is None:
        print("not even the longest utterance fits; lower data.max_duration or model.hidden_size")
        return
    print(
        f"largest that fits: {most.seconds:.0f} s of the longest utterances, {config.data.batch_seconds:g} configured; "
        f"batches of more than {LONGEST_STEP:g} s of work are not tried"
    )
    print(f"suggested: data.batch_seconds={best.seconds:.0f}, the smallest within 5 % of the best pace")
