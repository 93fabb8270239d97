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
    from asr.world import current_world

    with bar("range test") as advance:
        trials = trials_of(config, say, advance)
    if not current_world(config.device).is_main:
        return
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
    from asr.finding import find_batch as batches_of
    from asr.training.finding import best_size
    from asr.world import current_world

    def line(size: "Size") -> None:
        print(f"{size.seconds:10.1f}  {size.memory / 2**20:11.0f}  {size.pace:10.0f}", flush=True)

    main = current_world(config.device).is_main
    if main:
        print("padded (s)  memory (MB)  audio-s/s", flush=True)
    sizes, corpus = batches_of(config, say, line)
    if not main:
        return
    best, most = best_size(sizes, corpus), max(sizes, key=lambda size: size.seconds, default=None)
    if best is None or most is None:
        print("not even the longest utterance fits; lower data.max_duration or use a smaller model")
        return
    print(_limit(most, corpus, config))
    print(f"suggested: data.batch_seconds={_round(best.seconds)}, {_reason(best, corpus)}")


def _round(seconds: float) -> str:
    return f"{seconds:.0f}" if seconds >= 100 else f"{seconds:.3g}"


def _limit(most: "Size", corpus: float, config: "Config") -> str:
    from asr.finding import LONGEST_STEP

    configured = f"{config.data.batch_seconds:g} configured"
    if most.seconds >= corpus:
        return f"the whole corpus fits: it has {corpus:.0f} s for a step; {configured}"
    return (
        f"largest that fits: {most.seconds:.0f} s of the longest utterances, {configured}; "
        f"batches of more than {LONGEST_STEP:g} s of work are not tried"
    )


def _reason(best: "Size", corpus: float) -> str:
    from asr.training.finding import FEWEST_STEPS

    if best.seconds * FEWEST_STEPS > corpus:
        return f"the longest utterance alone: the corpus is too small for {FEWEST_STEPS} steps an epoch"
    if 2 * best.seconds * FEWEST_STEPS > corpus:
        return f"about the most that leaves an epoch {FEWEST_STEPS} steps: the corpus is the limit"
    return "the smallest within 5 % of the best pace"
