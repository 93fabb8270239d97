"""One frame of logits as probabilities, in a scratch row that is padded so that every loop is whole vectors.

Logits come as float32, or as the bits of 16-bit formats: uint16 arrays are bfloat16, int16 arrays float16.
"""

from typing import Any

import numpy as np
from numba import types
from numba.extending import overload

from asr.ctc.arithmetic import (
    exp32,
    from_bfloat16,
    from_float16,
    ordered,
    to_bfloat16,
    to_float16,
    unordered,
)
from asr.ctc.compiled import part

LANES = 64  # scratch rows are multiples of it: more than LLVM does at once, so that no loop ends in scalar steps
NORMAL, MASKED, BROKEN = 0, 1, 2  # what a frame can be: numbers, nothing but -inf, or NaN or +inf somewhere

_INFINITE = np.int32(0x7F800000)
_ONE, _ZERO = np.float32(1), np.float32(0)


def number(x: Any) -> float:
    """A logit as a float: float32 for 16 bits."""
    raise NotImplementedError("only inside kernels")


@overload(number)
def _number(x):
    if x in (types.uint16, types.int16):
        convert = from_bfloat16 if x == types.uint16 else from_float16
        return lambda x: convert(x)
    return lambda x: x


@part
def load(logits, row, n):
    """Logits (V,) into the first n = V entries of row, as float32."""
    for v in range(n):
        row[v] = number(logits[v])


def rounded(x: float, like: Any) -> Any:
    """x in the format of the array `like`."""
    raise NotImplementedError("only inside kernels")


@overload(rounded)
def _rounded(x, like):
    if like.dtype in (types.uint16, types.int16):
        convert = to_bfloat16 if like.dtype == types.uint16 else to_float16
        return lambda x, like: convert(np.float32(x))
    return lambda x, like: x


@part
def store(row, gradient):
    """The first V entries of row, rounded to the format of gradient (V,)."""
    for v in range(len(gradient)):
        gradient[v] = rounded(row[v], gradient)


@part
def _peak(row, n):
    """The largest of n logits, and what kind of frame it is. Seen through their bits, where NaN is above infinity."""
    highest, widest = ordered(np.float32(-np.inf)), np.int32(0)
    for v in range(n):
        i = ordered(row[v])
        highest = max(highest, i)
        widest = max(widest, i & np.int32(0x7FFFFFFF) if i >= 0 else ~i)
    peak = unordered(highest)
    if widest > _INFINITE or peak == np.float32(np.inf):
        return peak, BROKEN
    return peak, NORMAL if peak > np.float32(-np.inf) else MASKED


@part
def _exponentials(row, peak, n):
    """row becomes exp(row - peak); their sum."""
    total = _ZERO
    for v in range(n):
        e = exp32(row[v] - peak)
        row[v] = e
        total += e
    return total


@part
def exponentials(row, n):
    """A padded row of logits (multiple of LANES; padding -inf) becomes exp(logits - peak); 1 / sum, and its kind."""
    peak, kind = _peak(row, n)
    if kind != NORMAL:
        return _ZERO, kind
    return _ONE / _exponentials(row, peak, n), kind


@part
def scale(row, factor, n):
    """row · factor, in place."""
    for v in range(n):
        row[v] = row[v] * factor
