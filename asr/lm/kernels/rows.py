"""Rows of word ids, compiled: n-grams of a text, sorted from their last word to their first, and their counts."""

import numpy as np

from asr.kernels.compiled import compiled, part
from asr.lm.kernels.text import BEGIN_ID, END_ID


@compiled
def windows(ids, at, history, rows, n):
    """Write the n-gram that ends at each of ids[at:] into rows[n:]; → how far it came in both.

    history (k,): the k words before, <s> throughout at a sentence's start. rows (capacity, k).
    """
    k, room = rows.shape[1], rows.shape[0]
    while at < ids.shape[0] and n < room:
        for j in range(k - 1):
            history[j] = history[j + 1]
        history[k - 1] = ids[at]
        for j in range(k):
            rows[n, j] = history[j]
        if ids[at] == END_ID:
            history[:] = BEGIN_ID
        at, n = at + 1, n + 1
    return at, n


@part
def compare(a, b):
    """-1, 0, 1 as row a comes before, with or after b."""
    for j in range(a.shape[0] - 1, -1, -1):
        if a[j] != b[j]:
            return -1 if a[j] < b[j] else 1
    return 0


@compiled
def rows_up_to(rows, bound):
    """How many of the sorted rows come before or with the row `bound`."""
    low, high = 0, rows.shape[0]
    while low < high:
        middle = (low + high) // 2
        if compare(rows[middle], bound) <= 0:
            low = middle + 1
        else:
            high = middle
    return low


@compiled
def sort_rows(rows, counts, spare_rows, spare_counts):
    """Sort rows (n, k) and their counts by the last column, then the one before …; → how many times it moved them.

    A radix sort, least significant digits first. The result is in the spare arrays where the number is odd.
    """
    n, k = rows.shape
    most, bits = 1, 0
    for i in range(n):
        for j in range(k):
            most = max(most, rows[i, j])
    while most >> bits:
        bits += 1
    passes = (bits + 11) // 12
    width = (bits + passes - 1) // passes
    mask, moves = (1 << width) - 1, 0
    places = np.zeros(mask + 2, np.int64)
    for digit in range(k * passes):
        column, shift = digit // passes, (digit % passes) * width
        places[:] = 0
        for i in range(n):
            places[((rows[i, column] >> shift) & mask) + 1] += 1
        for d in range(1, mask + 2):
            places[d] += places[d - 1]
        for i in range(n):
            d = (rows[i, column] >> shift) & mask
            to = places[d]
            places[d] = to + 1
            for j in range(k):
                spare_rows[to, j] = rows[i, j]
            spare_counts[to] = counts[i]
        rows, spare_rows = spare_rows, rows
        counts, spare_counts = spare_counts, counts
        moves += 1
    return moves


@compiled
def sum_equal(rows, counts):
    """Make equal neighbours one row with their counts' sum; → how many rows are left, at the front."""
    n = 0
    for i in range(rows.shape[0]):
        if n > 0 and compare(rows[n - 1], rows[i]) == 0:
            counts[n - 1] += counts[i]
        else:
            rows[n] = rows[i]
            counts[n] = counts[i]
            n += 1
    return n
