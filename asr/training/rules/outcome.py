"""Rules on what comes out: over-fitting, and words that do not come at all."""

from statistics import median

from asr.training.history import Diagnosis, History
from asr.training.rules.plateau import silence, stuck
from asr.training.rules.rate import HIGH, LOW, is_late, listens_below, rate_too_high, rate_too_low

_MIN_ROWS = 10  # log lines that are the present
_WORSE, _LEARNED, _SINCE = 1.1, 0.9, 3  # over-fitting: dev loss above, training loss below, validations since its best
_NO_BETTER = 0.005  # of WER
_WORDLESS, _SOME = 0.9, 0.8  # WER above which nothing is understood; below which something was


def over_fitting(h: History) -> Diagnosis | None:
    """The training loss falls, the loss on dev has risen, and the word error rate is no better. As of a validation."""
    losses, wers, steps = (h.values(key, h.validations) for key in ("loss", "wer", "step"))
    if len(losses) <= _SINCE or len(wers) != len(losses) or h.said(HIGH):  # too long a step, not too little data
        return None
    best = losses.index(min(losses))
    then, now = (
        h.values("loss", [s for s in h.steps if s["step"] <= at][-_MIN_ROWS:]) for at in (steps[best], steps[-1])
    )
    if not then or len(losses) - 1 - best < _SINCE or min(wers[best + 1 :]) < wers[best] - _NO_BETTER:
        return None
    before, after, ratio = median(then), median(now), _of_blanks(h)
    if ratio is not None and ratio > listens_below(h):
        return None  # the loss fell, but nothing is known by heart yet
    if wers[-1] < _NO_BETTER or losses[-1] < max(_WORSE * losses[best], after) or after > _LEARNED * before:
        return None
    return Diagnosis(
        "over-fitting",
        f"since step {steps[best]:.0f} the training loss fell from {before:.2f} to {after:.2f} nats/token, the loss on "
        f"dev rose from {losses[best]:.2f} to {losses[-1]:.2f} and its WER, {wers[-1]:.1%}, did not improve",
        "more data or speakers, perturb.speed, augment.time_masks, model.dropout, a smaller model; training.patience "
        "stops in time",
    )


def wordless(h: History) -> Diagnosis | None:
    """A third of the run is over, hardly a word on dev is right, and no other rule says why."""
    wers = h.values("wer", h.validations)
    if not is_late(h) or not wers or wers[-1] < _WORDLESS:
        return None
    found = (rule(h) for rule in (silence, stuck, rate_too_high, rate_too_low, over_fitting))
    if any(d is not None and not d.normal for d in found):
        return None
    over, ratio, rate = (h.validations[-1].get("progress") or 0.0) >= 1.0, _of_blanks(h), _rate(h)
    seen = f"WER {wers[-1]:.0%} on dev"
    if min(wers) < _SOME:
        words = f"{seen} after {min(wers):.0%}: what was learned is lost"
        return Diagnosis("words lost", words, f"{rate}; model.pt holds the best so far", normal=not over)
    if not over:
        loss = "" if ratio is None else f"; the loss is {ratio:.3g} times what saying only blanks costs"
        return Diagnosis("no words yet", f"{seen}{loss}", normal=True)
    if ratio is None or ratio > listens_below(h):
        words = f"{seen} at the end, and a loss that a constant output has too"
        return Diagnosis("no words", words, f"{rate}, `asr check`")
    if _is_deaf_to_dev(h, ratio):
        words = f"{seen} at the end: what was learned does not carry over from training"
        return Diagnosis("no words", words, "more data or speakers, perturb.speed; is dev like train? `asr check`")
    return Diagnosis("no words", f"{seen} at the end: it has only begun to listen", f"{rate}, more training.epochs")


def _rate(h: History) -> str:
    """What to do about the learning rate, by what was said of it."""
    if h.said(HIGH):
        return "a third of training.lr"
    return "ten times training.lr" if h.said(LOW) else "--find-lr"


def _of_blanks(h: History) -> float | None:
    """The loss over what saying only blanks costs, in the last log lines; None in logs that do not tell."""
    ratios = h.ratios("loss", "blanks_loss", h.steps[-_MIN_ROWS:])
    return median(ratios) if ratios else None


def _is_deaf_to_dev(h: History, ratio: float) -> bool:
    """Whether the loss on dev is a constant output's though that in training is not."""
    dev, constant = h.values("loss", h.validations), h.known("unigram_loss")
    return bool(dev) and constant is not None and dev[-1] > 0.9 * constant and ratio < 0.9 * listens_below(h)
