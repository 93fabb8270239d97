"""One frame of logits as probabilities, in a scratch row that is padded so that every loop is whole vectors.

Logits come as float32, or as the bits of 16-bit formats: uint16 arrays are bfloat16, int16 arrays float16.
"""

from typing import Any

import numpy as np
from numba import types
from numba.extending import overload

from asr.ctc.kernels.arithmetic import (
    exp32,
    from_bfloat16,
    from_float16,
    ordered,
    to_bfloat16,
    to_float16,
    unordered,
)
from asr.kernels.compiled import part, summing

LANES = 64  # scratch rows are multiples of it: more than LLVM does at once, so that no loop ends in scalar steps
NORMAL, MASKED, BROKEN = 0, 1, 2  # what a frame can be: numbers, nothing but -inf, or NaN or +inf somewhere

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
def store(row, factor, out):
    """The first V entries of row, times factor, in the format of out (V,)."""
    for v in range(len(out)):
        out[v] = rounded(row[v] * factor, out)


@part
def _peak(row, n):
    """The largest of n logits."""
    highest = ordered(np.float32(-np.inf))
    for v in range(n):
        highest = max(highest, ordered(row[v]))
    return unordered(highest)


@summing
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
    peak = _peak(row, n)
    if peak == np.float32(-np.inf):
        return _ZERO, MASKED
    total = _exponentials(row, peak, n)
    return _ONE / total, BROKEN if np.isnan(total) else NORMAL  # inf - inf is NaN too
