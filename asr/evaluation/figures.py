"""Rates, intervals and p-values as people read them, the same in the reports, the tables and the pages."""

from math import isfinite

from asr.evaluation.significance import Interval


def p_value(p: float) -> str:
    """A p-value with four digits; none is 0."""
    return "p < 0.0001" if p < 0.0001 else f"p = {p:.4f}"


def percent(rate: float | None) -> str:
    """A rate in per cent; a dash where there is none."""
    return "–" if rate is None or not isfinite(rate) else f"{100 * rate:.2f} %"


def spread(found: Interval | None, sign: str = "") -> str:
    """An interval in per cent, in brackets."""
    return "" if found is None else f"[{100 * found.low:{sign}.2f}, {100 * found.high:{sign}.2f}]"


def both(utterances: Interval | None, speakers: Interval | None, sign: str = "") -> str:
    """Two intervals, over utterances and, where there is one, over speakers."""
    return spread(utterances, sign) + (f", over speakers {spread(speakers, sign)}" if speakers else "")
