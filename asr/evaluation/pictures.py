"""Pictures of measurements: confidences against the truth, error rates over two weights. Knows numbers only."""

from collections.abc import Sequence
from pathlib import Path

from asr.evaluation.reliability import Reliability
from asr.files import whole


def draw_reliability(found: Reliability, out: Path) -> None:
    """Draw the share of right words over their confidence, and how many words each bin has, into `out`, a .png."""
    from matplotlib.figure import Figure  # half a second that only these functions need

    figure = Figure(figsize=(5, 6), layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    bins = [b for b in found.bins if b.words]
    upper.plot([0, 1], [0, 1], color="grey", linewidth=1, linestyle="--", label="as it should be")
    upper.plot([b.confidence for b in bins], [b.right for b in bins], marker="o", label="words")
    upper.set(ylabel="share right", xlim=(0, 1), ylim=(0, 1.02))
    upper.set_title(f"confidence of {found.words} words, ECE {100 * found.ece:.2f} %")
    upper.legend()
    lower.bar([(b.low + b.high) / 2 for b in found.bins], [b.words for b in found.bins], width=0.09)
    lower.set(xlabel="confidence", ylabel="words")
    for axes in (upper, lower):
        axes.grid(alpha=0.3)
    with whole(out) as scratch:
        figure.savefig(scratch, dpi=110)


def draw_grid(
    names: tuple[str, str], points: Sequence[tuple[float, float]], rates: Sequence[float], best: int, title: str,
    out: Path,
) -> None:  # fmt: skip
    """Draw rates (fractions) over two weights as a heat map into `out`, a .png; the best of the points is marked.

    The lowest rate at each place counts. A place of the map has the rate of the point nearest to it.
    """
    import numpy as np
    from matplotlib.figure import Figure

    lowest: dict[tuple[float, float], float] = {}
    for point, rate in zip(points, rates, strict=True):
        lowest[point] = min(rate, lowest.get(point, rate))
    places, heat = np.array(list(lowest)), 100 * np.array(list(lowest.values()))
    low, high = places.min(axis=0), places.max(axis=0)
    margin = np.maximum(0.05 * (high - low), 0.05)
    span = high - low + 2 * margin
    x, y = (np.linspace(low[k] - margin[k], high[k] + margin[k], 200) for k in (0, 1))
    away = sum(((grid[..., None] - places[:, k]) / span[k]) ** 2 for k, grid in enumerate(np.meshgrid(x, y)))
    figure = Figure(figsize=(7, 5), layout="constrained")
    axes = figure.subplots()
    shown = axes.pcolormesh(x, y, heat[np.argmin(away, axis=-1)], cmap="viridis_r", shading="auto")
    axes.scatter(places[:, 0], places[:, 1], s=5, color="black", alpha=0.6, label="tried")
    found = f"best: {100 * rates[best]:.2f} %"
    axes.scatter(*points[best], marker="*", s=200, color="red", edgecolor="white", label=found)
    axes.set(xlabel=names[0], ylabel=names[1], title=title)
    axes.legend(loc="upper left")
    figure.colorbar(shown, label="WER, %")
    with whole(out) as scratch:
        figure.savefig(scratch, dpi=110)
