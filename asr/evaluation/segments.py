"""Segments for the matched-pair test: stretches of speech whose errors do not hang together.

NIST's MAPSSWE ends a segment where both recognisers have two words in a row right (Pallett et al. 1990, "Tools for the
analysis of benchmark speech recognition tests"; `test_comp_sents` of sclite's mtchprs.c). Stretches without any error
are no segments. Unlike sclite's, which loses them, B's insertions after the last word count as A's do.
"""

from asr.evaluation.errors import Pair, align_words

_RIGHT = 2  # words that both have right, which part two segments


def segments(reference: str, hypothesis_a: str, hypothesis_b: str) -> list[tuple[int, int]]:
    """Errors of A and of B in each segment of an utterance; nothing where neither has one."""
    a, b = _places(align_words(reference, hypothesis_a)), _places(align_words(reference, hypothesis_b))
    found, right, here = [], 0, (0, 0)
    for place, (wrong_a, wrong_b) in enumerate(zip(a, b, strict=True)):
        here = (here[0] + wrong_a, here[1] + wrong_b)
        if wrong_a or wrong_b:
            right = 0
        else:
            right += place % 2  # a place between words where nothing is inserted is no word, and parts none
        if right >= _RIGHT and any(here):
            found.append(here)
            here = (0, 0)
    return [*found, here] if any(here) else found


def _places(pairs: list[Pair]) -> list[int]:
    """Errors before, at and after each word of the reference: at even places insertions, at odd ones the words."""
    places = [0]
    for said, heard in pairs:
        if said is None:
            places[-1] += 1
        else:
            places += [int(said != heard), 0]
    return places
