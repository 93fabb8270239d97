"""The lines of an ARPA file as numbers, compiled. Errors are codes; lm/arpa.py gives them words."""

import math

import numpy as np

from asr.kernels.compiled import compiled, part
from asr.lm.kernels.words import FULL, add_word, find_word, is_space

LN10 = math.log(10.0)
DONE, SECTION_ENDS, FIELDS, NUMBER, WORD, TWICE, POSITIVE, GROW = range(8)
_POWERS = 10.0 ** np.arange(23)  # exact in float64


@part
def decimal(data, begin, end):
    """The decimal number data[begin:end], within 1 ulp or so, and whether it is one; -inf is, nan is not."""
    i, negative = begin, False
    if i < end and (data[i] == 45 or data[i] == 43):
        negative = data[i] == 45
        i += 1
    if end - i >= 3 and data[i] | 32 == 105:  # i: inf, infinity
        known = data[i + 1] | 32 == 110 and data[i + 2] | 32 == 102 and (end - i == 3 or end - i == 8)
        return (-np.inf if negative else np.inf), known
    mantissa, digits, scale, point = 0.0, 0, 0, False
    while i < end:
        c = data[i]
        if 48 <= c <= 57:
            if mantissa < 1e15:
                mantissa = 10.0 * mantissa + (c - 48)
                scale -= point
            else:
                scale += not point
            digits += 1
        elif c == 46 and not point:
            point = True
        else:
            break
        i += 1
    if digits == 0:
        return 0.0, False
    if i < end:
        if data[i] | 32 != 101 or i + 1 == end:  # e
            return 0.0, False
        i += 1
        minus, power = False, 0
        if data[i] == 45 or data[i] == 43:
            minus = data[i] == 45
            i += 1
        if i == end:
            return 0.0, False
        while i < end:
            if not 48 <= data[i] <= 57:
                return 0.0, False
            power = min(10 * power + (data[i] - 48), 100000)
            i += 1
        scale += -power if minus else power
    while scale != 0 and 0.0 < mantissa < np.inf:
        step = max(-22, min(scale, 22))
        if step > 0:
            mantissa *= _POWERS[step]
        else:
            mantissa /= _POWERS[-step]
        scale -= step
    return (-mantissa if negative else mantissa), True


@part
def field(data, at):
    """Begin and end of the next field of the line; empty at its end."""
    while data[at] != 10 and is_space(data[at]):
        at += 1
    begin = at
    while not is_space(data[at]):
        at += 1
    return begin, at


@part
def line_of(data, at, k, highest, slots, arena, starts, size, gram, values):
    """One line's words into gram (k,), its probability and back-off (nats) into values (2,); → after it, a code."""
    begin, end = field(data, at)
    if begin == end or data[begin] == 92:  # a backslash: the next section
        return at, SECTION_ENDS
    p, known = decimal(data, begin, end)
    bad = np.int64(DONE) if known else np.int64(NUMBER)
    if p > 0.0:
        bad = np.int64(POSITIVE)
    for j in range(k):
        begin, end = field(data, end)
        if begin == end:
            return at, FIELDS
        if bad != DONE:
            continue
        if k == 1:
            before = size[0]
            word = add_word(slots, arena, starts, size, data, begin, end)
            bad = np.int64(GROW if word == FULL else TWICE if size[0] == before else DONE)
            gram[j] = word
        else:
            i = find_word(slots, arena, starts, data, begin, end)[0]
            gram[j] = slots[i] & 0xFFFFFFFF if i >= 0 else -1
            bad = np.int64(DONE if i >= 0 else WORD)
    backoff = 0.0
    begin, end = field(data, end)
    if begin != end:
        backoff, known = decimal(data, begin, end)
        begin, after = field(data, end)
        if begin != after or (highest and (not known or backoff != 0.0)):
            return at, FIELDS
        if bad == DONE and (not known or backoff == np.inf):
            bad = np.int64(NUMBER)
        end = after
    values[0], values[1] = p * LN10, backoff * LN10
    while data[end] != 10:
        end += 1
    return (end + 1, DONE) if bad == DONE else (at, bad)


@compiled
def parse_grams(data, at, slots, arena, starts, size, highest, words, log_probs, backoffs):
    """Read the lines of data[at:] into words (n, k), log_probs and backoffs (n,), nats; n has room for all of them.

    → where it stopped, how many it read, and a code: DONE at the end of the data, SECTION_ENDS before a line that is
    empty or begins with a backslash, or what is wrong with the line it stands before.
    """
    row, k = 0, words.shape[1]
    values = np.zeros(2)
    while at < data.shape[0]:
        at, code = line_of(data, at, k, highest, slots, arena, starts, size, words[row], values)
        if code != DONE:
            return at, row, code
        log_probs[row], backoffs[row] = values[0], values[1]
        row += 1
    return at, row, DONE
