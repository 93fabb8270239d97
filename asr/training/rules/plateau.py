"""Rules on silence and the plateau: saying only blanks, as every run does for a while, or nothing of what is heard."""

from asr.training.history import Diagnosis, History
from asr.training.rules.rate import ABOVE, HIGH, LOW, PATIENCE, is_falling, is_late, listens_below

_BLANKS = 0.98  # share of blank frames above which nothing is being said
_MIN_ROWS = 10  # log lines that are the present
_SPEAKS = 0.9  # WER below which words have been right


def silence(h: History) -> Diagnosis | None:
    """Nothing but blanks, the plateau every run goes through; fallen back to it; or the first words."""
    blank, empty = h.now("blank_share", 3), h.now("empty_share", 3)
    if blank is None or empty is None or stuck(h):
        return None
    if not (blank > _BLANKS and empty > 0.5):
        words = "some are said, many utterances are empty yet"
        return Diagnosis("first words", words, normal=True) if empty > 0.2 else None
    if h.best_wer < _SPEAKS:
        lower = "a lower training.clip" if h.said(LOW) else "a third of training.lr, or a lower training.clip"
        return Diagnosis(
            "collapsed",
            f"it spoke before and is silent now, {blank:.1%} of the frames are blank",
            f"train again with {lower}; model.pt holds the best so far",
        )
    if h.progress < PATIENCE:
        words = f"normal until about {PATIENCE:.0%} of the run{_against(h)}"
        return Diagnosis("plateau of blanks", words, normal=True)
    return Diagnosis("silent yet learning", f"only blanks are said, but the loss moves{_against(h)}", normal=True)


def stuck(h: History) -> Diagnosis | None:
    """A third of the run is over and the loss is a constant output's; without yardsticks, only blanks are said."""
    if not is_late(h) or h.best_wer < _SPEAKS:
        return None
    silent = (h.now("blank_share", _MIN_ROWS) or 0.0) > _BLANKS and (h.now("empty_share", _MIN_ROWS) or 0.0) > 0.5
    fair = [stretch for stretch in h.stretches if stretch.fair]
    if fair:
        constant = len(fair) > 1 and listens_below(h) < fair[-1].of_blanks < ABOVE and not is_falling(h)
    else:  # an epoch from short to long, or a log without yardsticks
        ratios = h.ratios("loss", "blanks_loss", h.steps[-_MIN_ROWS:])
        constant = silent and not any(ratio < listens_below(h) for ratio in ratios)
    if not constant:
        return None
    lower = "a third of training.lr, " if h.said(HIGH) else ""
    return Diagnosis(
        "stuck",
        f"{'still only blanks' if silent else 'it says something, but not what it hears'}{_against(h)}",
        f"{lower}data.sortagrad=first_epoch, --find-lr, `asr check`: do texts and recordings belong together?",
    )


def _against(h: History) -> str:
    """The loss beside the yardsticks, in words."""
    loss, blanks = h.now("loss"), h.now("blanks_loss")
    if loss is None or blanks is None:
        return ""
    return f"; loss {loss:.2f} nats/token, {blanks:.2f} for saying only blanks"
