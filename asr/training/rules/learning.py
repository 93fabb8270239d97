"""Rules on how a run learns: silence, learning rate, over-fitting. What a constant output costs is the yardstick.

The order of things in a CTC run: a loss far above the yardsticks (untrained); a fall to them while only blanks are
said (the plateau); a fall below them (it listens), and words. Where a run is when a third of it is over tells what
is wrong with it: between them and an untrained model, the learning rate is too low; above that, or back up again,
too high; at them, it is stuck. A run of tests/training provokes
each rule.
"""

from statistics import median

from asr.training.history import Diagnosis, History

_BLANKS = 0.98  # share of blank frames above which nothing is being said
_PATIENCE = 0.3  # share of the run after which silence is no longer the ordinary start
_LISTENS = 0.9  # of the unigram's loss: below it, the sound is being used
_ABOVE = 1.1  # times the loss of blanks: above it, less was learned than the share of blanks
_ROSE, _BACK = 1.5, 0.7  # times the lowest loss, and of the unigram's: both above, what was learned is lost
_MIN_ROWS = 10  # log lines without which no trend is a trend
_WORSE, _LEARNED, _SINCE = 1.1, 0.9, 3  # over-fitting: dev loss above, training loss below, validations since its best
_FAST = 0.85  # of the loss ten log lines ago: below it, it is on its way
_NO_BETTER = 0.005  # of WER


def silence(h: History) -> Diagnosis | None:
    """Nothing but blanks, the plateau every run goes through; fallen back to it; or the first words."""
    blank, empty = h.now("blank_share", 3), h.now("empty_share", 3)
    if blank is None or empty is None or (h.progress >= _PATIENCE and stuck(h)):
        return None
    if not (blank > _BLANKS and empty > 0.5):
        words = "some are said, many utterances are empty yet"
        return Diagnosis("first words", words, normal=True) if empty > 0.2 else None
    if min(h.values("wer", h.validations), default=1.0) < 0.9:
        return Diagnosis(
            "collapsed",
            f"it spoke before and is silent now, {blank:.1%} of the frames are blank",
            "train again with a third of training.lr, or a lower training.clip; model.pt holds the best so far",
        )
    if h.progress < _PATIENCE:
        words = f"normal until about {_PATIENCE:.0%} of the run{_against(h)}"
        return Diagnosis("plateau of blanks", words, normal=True)
    return Diagnosis("silent yet learning", f"only blanks are said, but the loss moves{_against(h)}", normal=True)


def stuck(h: History) -> Diagnosis | None:
    """A third of the run is over and the loss is a constant output's; without yardsticks, only blanks are said."""
    loss, unigram, blanks = h.now("loss", _MIN_ROWS), h.known("unigram_loss"), h.known("blanks_loss")
    silent = (h.now("blank_share", _MIN_ROWS) or 0.0) > _BLANKS and (h.now("empty_share", _MIN_ROWS) or 0.0) > 0.5
    if h.progress < _PATIENCE or loss is None:
        return None
    if unigram is None or blanks is None:
        constant = silent
    else:
        constant = _LISTENS * unigram < loss < _ABOVE * blanks and len(h.steps) >= 2 * _MIN_ROWS and not _is_falling(h)
    if not constant or min(h.values("wer", h.validations), default=1.0) < 0.9:
        return None
    return Diagnosis(
        "stuck",
        f"{'still only blanks' if silent else 'it says something, but not what it hears'}{_against(h)}",
        "a third of training.lr, data.sortagrad=first_epoch, `asr check`: do texts and recordings belong together?",
    )


def _is_falling(h: History) -> bool:
    """Whether the loss is well below what it was ten log lines ago."""
    before, loss = h.values("loss")[-2 * _MIN_ROWS : -_MIN_ROWS], h.now("loss", _MIN_ROWS)
    return bool(before) and loss is not None and loss < _FAST * median(before)


def _against(h: History) -> str:
    """The loss beside the yardsticks, in words."""
    loss, unigram, blanks = h.now("loss"), h.known("unigram_loss"), h.known("blanks_loss")
    if loss is None or unigram is None or blanks is None:
        return ""
    return f"; loss {loss:.2f} nats/token, {blanks:.2f} for saying blanks, {unigram:.2f} for the best constant output"


def rate_too_high(h: History) -> Diagnosis | None:
    """Steps that are not finite, a loss that came back up, or one above that of an untrained model."""
    seen = _skips(h) or _lost(h) or _worse_than_untrained(h)
    if seen is None:
        return None
    clip, norm = h.known("clip"), h.now("gradient_norm")
    if clip is not None and norm is not None and norm > clip:
        seen += f"; the gradient's norm is {norm:.3g}, clipped to {clip:g}"
    return Diagnosis(
        "learning rate too high", seen, "try a third of training.lr, a longer training.warmup, or --find-lr"
    )


def _skips(h: History) -> str | None:
    skipped = h.values("skipped", h.steps[-_MIN_ROWS:])
    new = skipped[-1] - skipped[0] if skipped else 0
    return f"{new:.0f} of the last steps were not finite and were skipped" if new >= 3 else None


def _lost(h: History) -> str | None:
    loss, lowest, unigram = h.now("loss"), h.lowest("loss"), h.known("unigram_loss")
    if loss is None or lowest is None or unigram is None or len(h.steps) < 2 * _MIN_ROWS:
        return None
    if loss < max(_ROSE * lowest, _BACK * unigram):
        return None
    return f"the loss was {lowest:.2f} nats/token and is {loss:.2f} again"


def _worse_than_untrained(h: History) -> str | None:
    loss, even = h.now("loss"), h.known("even_loss")
    if loss is None or even is None or len(h.steps) < _MIN_ROWS or loss < _ROSE * even:
        return None
    return f"the loss is {loss:.2f} nats/token, and {even:.2f} if all tokens were evenly likely"


def rate_too_low(h: History) -> Diagnosis | None:
    """A third of the run is over and not even the share of blanks is learned, though nothing went wrong."""
    loss, blanks = h.now("loss", _MIN_ROWS), h.known("blanks_loss")
    if (
        loss is None
        or blanks is None
        or h.progress < _PATIENCE
        or len(h.steps) < 2 * _MIN_ROWS
        or loss < _ABOVE * blanks
    ):
        return None
    if _is_falling(h) or _skips(h) or _lost(h) or _worse_than_untrained(h):
        return None
    return Diagnosis(
        "learning rate too low",
        f"at {h.progress:.0%} of the run the loss is {loss:.2f} nats/token, {blanks:.2f} is what blanks alone reach",
        "try ten times training.lr, a shorter training.warmup, or --find-lr",
    )


def over_fitting(h: History) -> Diagnosis | None:
    """The training loss falls, the loss on dev has risen, and the word error rate is no better. As of a validation."""
    losses, wers, steps = (h.values(key, h.validations) for key in ("loss", "wer", "step"))
    if len(losses) <= _SINCE or len(wers) != len(losses):
        return None
    best = losses.index(min(losses))
    then, now = (
        h.values("loss", [s for s in h.steps if s["step"] <= at][-_MIN_ROWS:]) for at in (steps[best], steps[-1])
    )
    if not then or len(losses) - 1 - best < _SINCE or min(wers[best + 1 :]) < wers[best] - _NO_BETTER:
        return None
    before, after = median(then), median(now)
    if wers[-1] < _NO_BETTER or losses[-1] < max(_WORSE * losses[best], after) or after > _LEARNED * before:
        return None
    return Diagnosis(
        "over-fitting",
        f"since step {steps[best]:.0f} the training loss fell from {before:.2f} to {after:.2f} nats/token, the loss on "
        f"dev rose from {losses[best]:.2f} to {losses[-1]:.2f} and its WER, {wers[-1]:.1%}, did not improve",
        "more data or speakers, perturb.speed, augment.time_masks, model.dropout, a smaller model; training.patience "
        "stops in time",
    )


RULES = (silence, stuck, rate_too_high, rate_too_low, over_fitting)
