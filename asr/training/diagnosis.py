"""A word on how training goes, from the few numbers of a log line. What people ask in their first hour."""

_BLANKS = 0.98  # share of blank frames above which nothing is being said
_PATIENCE = 0.3  # share of the run after which silence is no longer the ordinary start


def word_on(progress: float, blank_share: float, empty_share: float, best_wer: float | None) -> str:
    """A word on the state of training; empty when there is nothing to say.

    A CTC model first learns to emit blanks only; that plateau ends by itself, mostly within a fifth of the run.
    """
    silent = blank_share > _BLANKS and empty_share > 0.5
    if silent and best_wer is not None and best_wer < 0.9:
        return (
            "collapsed: it spoke before and is silent now; resume from an earlier checkpoint with a lower training.lr"
        )
    if silent and progress < _PATIENCE:
        return f"plateau of blanks: normal until about {_PATIENCE:.0%} of the run"
    if silent:
        return "stuck: still only blanks; try a third of training.lr, data.sortagrad=first_epoch, and `asr check`"
    if empty_share > 0.2:
        return "first words"
    return ""
