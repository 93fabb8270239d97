"""Finding a learning rate and a batch by trying: what to try next and what to make of it. Numbers in, numbers out.

The range test (Smith 2017, "Cyclical learning rates for training neural networks") raises the learning rate from step
to step until the loss comes back up. Knows no model: it is handed functions that take a step or try a batch.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

_MEMORY = 0.8  # how much the loss of a step keeps of those before it: five steps, a third of a decade
_DIVERGED = 2.0  # times the lowest smoothed loss
# The suggestion is this much below the rate of the lowest loss. Spoken digits, a run of 1.5 minutes, lowest at 2.4e-2:
# dev loss after two epochs 0.37 at a twelfth of it, 0.45 at a 24th, 0.94 at a third.
_BELOW = 10.0
_BISECTIONS = 3  # between the largest size that fits and the smallest that does not
_NEAR_BEST = 0.95  # of the best pace: a smaller batch makes more steps, so it is worth 5 %
# The fewest steps an epoch should have. Tones, 24 utterances, 8 epochs at lr 0.01: WER 0 with ten or three, 50 % with
# one, though one is the fastest batch there is
FEWEST_STEPS = 10


class Trial(NamedTuple):
    """A step of the range test: learning rate, loss before the step and smoothed (nats per token)."""

    lr: float
    loss: float
    smooth: float


class Size(NamedTuple):
    """A batch that was tried: padded audio [s], memory it peaks at [bytes], audio seconds a second."""

    seconds: float
    memory: float
    pace: float


def rising(low: float, high: float, count: int) -> list[float]:
    """`count` learning rates from `low` to `high`, each the same multiple of the one before."""
    return [low * (high / low) ** (i / (count - 1)) for i in range(count)]


def range_test(rates: Sequence[float], losses: Iterable[float]) -> Iterator[Trial]:
    """The trials of steps at `rates`, whose losses come one by one; ends early where the loss has come back up."""
    mean, lowest = 0.0, math.inf
    for i, (lr, loss) in enumerate(zip(rates, losses, strict=False), start=1):
        if not math.isfinite(loss):
            return
        mean = _MEMORY * mean + (1.0 - _MEMORY) * loss
        smooth = mean / (1.0 - _MEMORY**i)
        yield Trial(lr, loss, smooth)
        if i > 5 and smooth > _DIVERGED * lowest:
            return
        lowest = min(lowest, smooth)


def best_rate(trials: Sequence[Trial]) -> float | None:
    """The peak learning rate to train with: a tenth of the rate where the smoothed loss is lowest.

    None where the loss never fell, which a rate cannot mend. A higher rate diverges; a much lower one wastes steps.
    """
    if not trials:
        return None
    lowest = min(trials, key=lambda trial: trial.smooth)
    first = max(trial.smooth for trial in trials[:5])
    return lowest.lr / _BELOW if lowest.smooth < 0.95 * first else None


def grow(
    try_size: Callable[[float], Size | None], start: float, most: float, base: float, limit: float
) -> Iterator[Size]:
    """The sizes that fit, from `start` seconds doubling up to `most`, then closing in on the first that did not fit.

    `try_size` gives None where memory did not suffice. A size is not tried whose memory, in proportion to the largest
    one that fit and `base` [bytes] for nothing, would exceed `limit` [bytes]: Linux kills rather than refuses.
    """
    good: Size | None = None
    size, bad = start, math.inf
    while size <= most and bad == math.inf:
        tried = try_size(size) if _foreseen(good, size, base) <= limit else None
        if tried is None:
            bad = size
        else:
            yield tried
            good, size = tried, (min(2 * size, most) if size < most else math.inf)
    for _ in range(_BISECTIONS if good is not None and bad < math.inf else 0):
        assert good is not None
        middle = 0.5 * (good.seconds + bad)
        tried = try_size(middle) if _foreseen(good, middle, base) <= limit else None
        if tried is None or tried.seconds <= good.seconds:
            bad = middle
        else:
            yield tried
            good = tried


def _foreseen(good: Size | None, seconds: float, base: float) -> float:
    return base if good is None else base + max(0.0, good.memory - base) * seconds / good.seconds


def best_size(sizes: Sequence[Size], corpus: float = math.inf) -> Size | None:
    """The smallest size whose pace is within 5 % of the best, among those that leave an epoch of `corpus` seconds some
    steps; the smallest of all where none does."""
    some = [size for size in sizes if size.seconds * FEWEST_STEPS <= corpus]
    some = some or sorted(sizes, key=lambda size: size.seconds)[:1]
    best = max((size.pace for size in some), default=0.0)
    near = [size for size in some if size.pace >= _NEAR_BEST * best]
    return min(near, key=lambda size: size.seconds, default=None)
