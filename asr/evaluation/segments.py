"""Segments for the matched-pair test: stretches of speech whose errors do not hang together.

NIST's MAPSSWE ends a segment where both recognisers have two words in a row right (Pallett et al. 1990, "Tools for the
analysis of benchmark speech recognition tests"; sclite and sc_stats). Stretches without any error are no segments.
"""

from asr.evaluation.errors import Pair, align_words

_RIGHT = 2  # words that both have right, which part two segments


def segments(reference: str, hypothesis_a: str, hypothesis_b: str) -> list[tuple[int, int]]:
    """Errors of A and of B in each segment of an utterance; nothing where neither has one."""
    a, b = _places(align_words(reference, hypothesis_a)), _places(align_words(reference, hypothesis_b))
    found, right, here = [], 0, (0, 0)
    for wrong_a, wrong_b in zip(a, b, strict=True):
        right = 0 if wrong_a or wrong_b else right + 1
        here = (here[0] + wrong_a, here[1] + wrong_b)
        if right >= _RIGHT and any(here):
            found.append(here)
            here = (0, 0)
    return [*found, here] if any(here) else found


def _places(pairs: list[Pair]) -> list[int]:
    """Errors at each word of the reference, insertions counted at the word they stand before, and after the last."""
    places = [0]
    for said, heard in pairs:
        places[-1] += said != heard
        if said is not None:
            places.append(0)
    return places
