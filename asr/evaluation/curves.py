"""A picture of a training run, drawn from its log.jsonl. What else is drawn is pictures.py."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from asr.errors import AsrError
from asr.files import whole

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Row = dict[str, Any]


def draw_curves(log_jsonl: Path, out: Path) -> None:
    """Draw loss, error rates, blanks, learning rate and gradient norm over steps into `out`, a .png or .svg.

    A key that a line lacks leaves a gap; a line cut short by a crash is passed over. Raises AsrError where
    there is no log or no line in it.
    """
    rows = _rows(log_jsonl)
    steps = [row for row in rows if row.get("kind") == "step"]
    validations = [row for row in rows if row.get("kind") == "validation"]
    from matplotlib.figure import Figure  # half a second that only this function needs

    panels = [_loss, _error_rates, _blanks, _optimiser]
    figure = Figure(figsize=(11, 7), layout="constrained")
    for axes, panel in zip(figure.subplots(2, 2).flat, panels, strict=True):
        panel(axes, steps, validations)
        axes.set_xlabel("step")
        axes.grid(alpha=0.3)
        if axes.get_legend_handles_labels()[0]:
            axes.legend()
    with whole(out) as scratch:
        figure.savefig(scratch, dpi=110)


def draw_range_test(trials: Sequence[tuple[float, float, float]], suggestion: float | None, out: Path) -> None:
    """Draw loss and smoothed loss (nats per token) over learning rates, and the suggested one."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    rates, losses, smooth = zip(*trials, strict=True) if trials else ((), (), ())
    axes.plot(rates, losses, ".", markersize=3, alpha=0.6, label="loss of a step")
    axes.plot(rates, smooth, label="smoothed")
    if suggestion is not None:
        axes.axvline(suggestion, linestyle="--", label=f"suggested {suggestion:.1e}")
    axes.set(xscale="log", yscale="log", xlabel="learning rate", ylabel="nats per token")
    axes.legend()
    with whole(out) as scratch:
        figure.savefig(scratch, dpi=110)


def _loss(axes: "Axes", steps: list[Row], validations: list[Row]) -> None:
    axes.set_title("loss")
    axes.set_ylabel("nats per token")
    _line(axes, steps, "loss", "training", alpha=0.7)
    _line(axes, validations, "loss", "validation", marker="o")


def _error_rates(axes: "Axes", steps: list[Row], validations: list[Row]) -> None:
    axes.set_title("validation error rates")
    axes.set_ylabel("%")
    _line(axes, validations, "wer", "WER", scale=100, marker="o")
    _line(axes, validations, "cer", "CER", scale=100, marker="o")
    axes.set_ylim(bottom=0)


def _blanks(axes: "Axes", steps: list[Row], validations: list[Row]) -> None:
    axes.set_title("blanks")
    axes.set_ylabel("%")
    _line(axes, steps, "blank_share", "blank frames", scale=100)
    _line(axes, steps, "empty_share", "empty hypotheses", scale=100)


def _optimiser(axes: "Axes", steps: list[Row], validations: list[Row]) -> None:
    axes.set_title("optimiser")
    axes.set_yscale("log")
    _line(axes, steps, "lr", "learning rate")
    _line(axes, steps, "gradient_norm", "gradient norm", alpha=0.7)


def _line(axes: "Axes", rows: Sequence[Row], key: str, label: str, scale: float = 1, **style: Any) -> None:
    points = [(row["step"], scale * row[key]) for row in rows if _is_number(row.get(key)) and "step" in row]
    if points:
        axes.plot(*zip(*points, strict=True), label=label, markersize=3, linewidth=1.2, **style)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _rows(path: Path) -> list[Row]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        raise AsrError(f"{path}: no such log; expected a run's log.jsonl; train first") from None
    rows = [row for row in map(_parsed, lines) if isinstance(row, dict)]
    if not rows:
        raise AsrError(f"{path}: holds no step yet; expected one JSON object a line; train first")
    return rows


def _parsed(line: str) -> Any:
    try:
        return json.loads(line)
    except json.JSONDecodeError:
        return None
