"""Rules on the learning rate, from the loss and the gradient. What a constant output costs is the yardstick.

A run that learns comes down from the cost of an untrained, even output through that of blanks, fast, and stays below.
A rate too low leaves it above, falling ever so slowly or not at all. A rate too high takes it back up, or keeps it
above in jumps: there is no lower place that its steps do not leave again. Both are above the yardstick; which of the
two it is tells the way the loss went and the gradient. No run is ever told both, since one of the two would be wrong.
"""

from itertools import pairwise
from statistics import median

from asr.training.history import Diagnosis, History, Stretch

HIGH, LOW = "learning rate too high", "learning rate too low"
PATIENCE = 0.3  # share of the run after which what every run begins with is over
ABOVE = 1.1  # times the loss of blanks: above it, less was learned than the share of blanks
LISTENS = 0.9  # of the unigram's loss: below it, the sound is being used
_ROSE, _BACK = 1.5, 0.7  # times the lowest stretch, and of the unigram's: both above, what was learned is lost
_UNTRAINED, _MOVED = 0.8, 0.4  # of the loss of an even output: above it nothing is learned, below it something was
_WORSE = 1.5  # times the loss of an even output: no untrained model is that bad
_MIN_ROWS = 10  # log lines without which no trend is a trend
_FAST = 0.85  # of the loss a stretch ago: below it, it is on its way
# The gradient's mean norm over its usual one, in a late epoch above the yardstick. Tones of very uneven lengths: 2.4 to
# 3.3 at lr 0.03, which makes nothing of them, 2.3 at 0.1; 1.2 to 1.5 at 0.0003 and 0.001, which are too low. In runs
# that learn it is up to 3 as well, but there the loss falls fast.
_BURSTS = 2.2
_NEAR = 1.5  # times the loss of blanks
_SOME = 0.8  # WER: below it, words were learned all the same
_HIGH_ABOVE = 1.3  # times the loss of blanks: noise of the plateau does not reach it


def rate_too_high(h: History) -> Diagnosis | None:
    """Steps that are not finite, a loss above an untrained model's or back up again, or steps that only jump about."""
    if h.said(LOW):
        return None
    seen = _skips(h) or _worse_than_untrained(h) or _lost(h) or _jumps(h)
    if seen is None:
        return None
    clip, norm = h.known("clip"), h.now("gradient_norm")
    if clip is not None and norm is not None and norm > clip and "gradient" not in seen:
        seen += f"; the gradient's norm is {norm:.3g}, clipped to {clip:g}"
    return Diagnosis(HIGH, seen, "try a third of training.lr, a longer training.warmup, or --find-lr")


def rate_too_low(h: History) -> Diagnosis | None:
    """A third of the run is over and not even the share of blanks is learned, though nothing went wrong."""
    if not is_late(h) or h.said(HIGH) or rate_too_high(h) is not None:
        return None
    before, now = _two(h)
    if before is None or now is None or now.usually_of_blanks < ABOVE or _falls_fast(before, now):
        return None
    if _came_near_early(h) or (now.of_even < _UNTRAINED and not _is_smooth([s for s in h.stretches if s.fair])):
        return None
    return Diagnosis(
        LOW,
        f"at {h.progress:.0%} of the run the loss is {now.of_blanks:.3g} times what saying only blanks costs and falls "
        f"slowly; the gradient's norm is steady, {now.norm:.2g}",
        "try ten times training.lr, a shorter training.warmup, or --find-lr",
    )


def _came_near_early(h: History) -> bool:
    """Whether the loss was close to the yardstick before one would expect it: what keeps it there is no lack of speed.

    Tones of uneven lengths, the lowest five log lines of the first 30 %: 2.2 and 3.9 times the yardstick at lr 0.0003,
    0.03 to 1.2 times it at 0.001 to 1.
    """
    early = [row for row in h.steps if (row.get("progress") or 0.0) <= max(PATIENCE, h.known("warmup") or 0.0)]
    ratios = h.ratios("loss", "blanks_loss", early)
    return len(ratios) >= 5 and _lowest(ratios) < _NEAR


def is_late(h: History) -> bool:
    """Whether a run should have begun to learn: a third of it is over, and its warm-up."""
    return h.progress >= max(PATIENCE, (h.known("warmup") or 0.0) + 0.1)


def is_falling(h: History) -> bool:
    """Whether the loss is well below what it was a stretch ago."""
    before, now = _two(h)
    return before is not None and now is not None and _falls_fast(before, now)


def listens_below(h: History) -> float:
    """The share of the loss of blanks below which no constant output gets."""
    unigram, blanks = h.known("unigram_loss"), h.known("blanks_loss")
    return LISTENS * (unigram / blanks if unigram is not None and blanks else 1.0)


def _two(h: History) -> tuple[Stretch | None, Stretch | None]:
    """The last two stretches that compare."""
    fair = [s for s in h.stretches if s.fair]
    return (fair[-2], fair[-1]) if len(fair) >= 2 else (None, None)


def _is_smooth(stretches: list[Stretch]) -> bool:
    """Whether the loss only ever fell, and the gradient never burst: small steps do not jump."""
    falls = all(b.of_blanks <= a.of_blanks for a, b in pairwise(stretches))
    return falls and not any(map(_bursts, stretches))


def _bursts(stretch: Stretch) -> bool:
    return stretch.norm >= _BURSTS * stretch.usual_norm


def _falls_fast(before: Stretch, now: Stretch) -> bool:
    return now.of_blanks < _FAST * before.of_blanks


def _skips(h: History) -> str | None:
    skipped = h.values("skipped", h.steps[-_MIN_ROWS:])
    new = skipped[-1] - skipped[0] if skipped else 0
    return f"{new:.0f} of the last steps were not finite and were skipped" if new >= 3 else None


def _worse_than_untrained(h: History) -> str | None:
    """Above the cost of an even output: far, or as far as that after having been far below."""
    shares = h.ratios("loss", "even_loss")
    if len(shares) < _MIN_ROWS:
        return None
    now = median(shares[-_MIN_ROWS:])
    if now >= _WORSE:
        return f"the loss is {now:.3g} times what an untrained model has"
    if now >= _UNTRAINED and (lowest := _lowest(shares)) <= _MOVED:
        return f"the loss had come down to {lowest:.0%} of what an untrained model has, and is at {now:.0%} again"
    return None


def _lost(h: History) -> str | None:
    fair = [s.of_blanks for s in h.stretches if s.fair]
    if len(fair) < 2 or fair[-1] < max(_ROSE * min(fair), _BACK * listens_below(h) / LISTENS):
        return None
    return f"the loss was {min(fair):.3g} times what saying only blanks costs, and is {fair[-1]:.3g} times it again"


def _lowest(shares: list[float]) -> float:
    """The lowest median of five neighbouring lines."""
    return min(median(shares[i : i + 5]) for i in range(0, len(shares) - 4, 5))


def _jumps(h: History) -> str | None:
    """The loss stays above the yardstick, and goes up, or comes down slowly while the gradient bursts."""
    before, now = _two(h)
    if before is None or now is None or not is_late(h) or h.best_wer < _SOME:
        return None
    if now.of_blanks < _HIGH_ABOVE or now.of_even >= _UNTRAINED or _falls_fast(before, now):
        return None
    here = f"the loss is {now.of_blanks:.3g} times what saying only blanks costs"
    if _bursts(now):
        return f"{here}, and the gradient bursts: its norm is {now.usual_norm:.2g} as a rule, {now.norm:.2g} on average"
    return f"{here}, and rises" if now.of_blanks > before.of_blanks else None
