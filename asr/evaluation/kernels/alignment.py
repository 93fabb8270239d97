"""The alignment of two sequences with the fewest errors and, of these, the fewest substitutions, as compiled code.

An error costs `unit`, a substitution one more, and `unit` is above any number of substitutions: the cost says errors
and substitutions together, and with the two lengths also deletions and insertions. So the split has no ties to break.
Where several alignments cost as little, hits are preferred, then what loses and makes up words late in the utterance.
sclite's costs (4, 3, 3) favour words that are right too, but now and then count an error more than there need be.
"""

import numpy as np

from asr.kernels.compiled import compiled, part

HIT, SUBSTITUTION, DELETION, INSERTION = np.uint8(0), np.uint8(1), np.uint8(2), np.uint8(3)


@part
def _advance(symbol, hypothesis, costs, unit, moves, keep):
    """One more symbol of the reference: costs (M + 1,) become its row; moves (M + 1,) say how, where `keep`."""
    corner, costs[0] = costs[0], costs[0] + unit
    if keep:
        moves[0] = DELETION
    for j in range(1, len(hypothesis) + 1):
        same = symbol == hypothesis[j - 1]
        best, move = corner + (0 if same else unit + 1), HIT if same else SUBSTITUTION
        if costs[j] + unit + same <= best:
            best, move = costs[j] + unit, DELETION
        if costs[j - 1] + unit + same <= best:
            best, move = costs[j - 1] + unit, INSERTION
        corner, costs[j] = costs[j], best
        if keep:
            moves[j] = move


def _cost(reference, hypothesis, unit):
    """The least cost of turning hypothesis (M,) into reference (N,), int64 symbols: errors · unit + substitutions."""
    costs, moves = np.arange(len(hypothesis) + 1) * unit, np.empty(0, np.uint8)
    for symbol in reference:
        _advance(symbol, hypothesis, costs, unit, moves, False)
    return costs[-1]


def _path(reference, hypothesis, unit):
    """HIT, SUBSTITUTION, DELETION or INSERTION for each step of the cheapest alignment, (steps,) uint8."""
    i, j = len(reference), len(hypothesis)
    costs, moves = np.arange(j + 1) * unit, np.full((i + 1, j + 1), INSERTION)
    for row in range(i):
        _advance(reference[row], hypothesis, costs, unit, moves[row + 1], True)
    steps, at = np.empty(i + j, np.uint8), i + j
    while i or j:
        at -= 1
        move = moves[i, j]
        steps[at] = move
        i -= move != INSERTION
        j -= move != DELETION
    return steps[at:]


cost = compiled(_cost)
path = compiled(_path)
