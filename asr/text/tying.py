"""Which triphones are a unit of their own, and what stands for the others: tying by count.

A triphone l-p+r is the phone p between l and r inside a word; `#` stands where the word ends. One that is counted often
enough is a unit. The others back off, together, to a biphone: l-p or p+r, whichever more of them share (l-p where
equal). A biphone that is left with too few backs off to the phone p. So no unit but a phone has fewer occurrences
than asked for. Backing off from triphone to biphone to phone: Schwartz et al. 1985, Lee 1989.
"""

from collections import Counter
from collections.abc import Iterable, Mapping

from asr.text.lexicon import Phones

EDGE = "#"

Triphone = tuple[str, str, str]  # left, centre, right
Tying = dict[Triphone, str]  # → name of the unit


def triphones(phones: Phones) -> list[Triphone]:
    """The triphones of one pronunciation, as many as it has phones."""
    framed = (EDGE, *phones, EDGE)
    return list(zip(framed, framed[1:], framed[2:], strict=False))


def tie(counts: Mapping[Triphone, int], wanted: Iterable[Triphone], least: int) -> Tying:
    """The unit of every triphone that is counted or `wanted`: its own where it occurs `least` times, or its back-off.

    Of those that are not counted, a phone that training never meets as such would know nothing, and so stands for
    them only where no triphone of that phone is met: else it is the most frequent unit of that phone.
    """
    tying: Tying = {t: "{}-{}+{}".format(*t) for t, count in counts.items() if count >= max(1, least)}
    rare = {t: count for t, count in counts.items() if 0 < count < max(1, least)}
    sides = _occurrences((side, rare[t]) for t in rare for side in (_left(t), _right(t)))
    chosen = {t: _likelier(t, sides) for t in rare}
    shared = _occurrences((chosen[t], rare[t]) for t in rare)
    tying |= {t: side if shared[side] >= least else t[1] for t, side in chosen.items()}
    return tying | _unmet([t for t in wanted if t not in tying], tying, counts)


def _left(triphone: Triphone) -> str:
    return f"{triphone[0]}-{triphone[1]}"


def _right(triphone: Triphone) -> str:
    return f"{triphone[1]}+{triphone[2]}"


def _likelier(triphone: Triphone, occurrences: Mapping[str, int]) -> str:
    left, right = _left(triphone), _right(triphone)
    return left if occurrences[left] >= occurrences[right] else right


def _occurrences(pairs: Iterable[tuple[str, int]]) -> Counter[str]:
    sums: Counter[str] = Counter()
    for name, count in pairs:
        sums[name] += count
    return sums


def _unmet(unmet: Iterable[Triphone], tying: Tying, counts: Mapping[Triphone, int]) -> Tying:
    """Units, met in training, for triphones that are not."""
    met = _occurrences((unit, counts[t]) for t, unit in tying.items())
    usual: dict[str, str] = {}  # phone → its most frequent unit
    for t, unit in sorted(tying.items()):
        if t[1] not in usual or met[unit] > met[usual[t[1]]]:
            usual[t[1]] = unit
    return {t: _met_unit(t, met, usual) for t in unmet}


def _met_unit(triphone: Triphone, met: Mapping[str, int], usual: Mapping[str, str]) -> str:
    side, phone = _likelier(triphone, met), triphone[1]
    if met[side]:
        return side
    return phone if met[phone] else usual.get(phone, phone)
