"""Rates, intervals and p-values as people read them, the same in the reports, the tables and the pages."""

from math import isfinite

from asr.evaluation.significance import Interval


def p_value(p: float) -> str:
    """A p-value with four digits; none is 0."""
    return "p < 0.0001" if p < 0.0001 else f"p = {p:.4f}"


def percent(rate: float | None, digits: int = 2) -> str:
    """A rate in per cent; a dash where there is none, as of errors in no words."""
    return "–" if rate is None or not isfinite(rate) else f"{100 * rate:.{digits}f} %"


def spread(found: Interval | None, sign: str = "") -> str:
    """An interval in per cent, in brackets."""
    return "" if found is None else f"[{100 * found.low:{sign}.2f}, {100 * found.high:{sign}.2f}]"


def both(utterances: Interval | None, speakers: Interval | None, sign: str = "") -> str:
    """An interval over utterances, and where there is one, that over speakers."""
    if speakers is None:
        return spread(utterances, sign)
    return f"{spread(utterances, sign)} over utterances, {spread(speakers, sign)} over speakers"
