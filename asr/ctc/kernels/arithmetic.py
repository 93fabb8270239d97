"""Numbers for the kernels: bits of floats, exp, powers of two, 16-bit formats. Every loop over these vectorises.

float32 `exp32` is within 2 units in the last place; libm's would be a scalar call an element.
"""

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from asr.kernels.compiled import part

_LOG2_E = np.float32(1 / np.log(2))
_LN2_HIGH = np.float32(0.693359375)  # nine bits, so that n · _LN2_HIGH is exact; the rest of ln 2 is _LN2_LOW
_LN2_LOW = np.float32(np.log(2) - 0.693359375)
_UNDERFLOW = np.float32(-88.0)  # exp below is 0: 2^-127 has the bits of 0
_HALF = np.float32(0.5)
_BIAS, _MANTISSA = np.int32(127), np.int32(23)
_ABSOLUTE = np.int32(0x7FFFFFFF)


def _coefficients() -> list[np.float32]:
    """exp(r) on |r| <= ln(2)/2 as a polynomial of degree 6 through Chebyshev points; error 3e-9."""
    edge = np.log(2) / 2
    r = edge * np.cos(np.linspace(0, np.pi, 400))
    fit = np.polynomial.Chebyshev.fit(r, np.exp(r), 6, domain=[-edge, edge])
    return [np.float32(c) for c in fit.convert(kind=np.polynomial.Polynomial).coef]


_C0, _C1, _C2, _C3, _C4, _C5, _C6 = _coefficients()


def _reinterpret(source: Any, target: Any, kind: Any) -> Any:
    """An intrinsic that keeps the bits and changes their meaning."""

    @intrinsic
    def cast(context: Any, x: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return builder.bitcast(arguments[0], kind)

        return target(source), generate

    return cast


bits32 = _reinterpret(types.float32, types.int32, ir.IntType(32))
float32 = _reinterpret(types.int32, types.float32, ir.FloatType())
bits64 = _reinterpret(types.float64, types.int64, ir.IntType(64))
float64 = _reinterpret(types.int64, types.float64, ir.DoubleType())


@part
def exp32(x):
    """exp(x) of a float32 x <= 0; 0 below -88, NaN for NaN."""
    x = _UNDERFLOW if x < _UNDERFLOW else x
    n = np.int32(x * _LOG2_E - _HALF)  # truncation towards zero makes this the nearest integer
    f = np.float32(n)
    r = (x - f * _LN2_HIGH) - f * _LN2_LOW
    p = _C6
    p = p * r + _C5
    p = p * r + _C4
    p = p * r + _C3
    p = p * r + _C2
    p = p * r + _C1
    p = p * r + _C0
    return p * float32((n + _BIAS) << _MANTISSA)


@part
def ordered(x):
    """An int32 that compares as the float32 x does. LLVM vectorises a maximum of integers, not numba's of floats."""
    i = bits32(x)
    return i ^ ((i >> np.int32(31)) & _ABSOLUTE)


@part
def unordered(i):
    """The float32 that `ordered` made i of."""
    return float32(i ^ ((i >> np.int32(31)) & _ABSOLUTE))


@part
def exponent(x):
    """floor(log2(x)) of a normal float64 x > 0."""
    return (bits64(x) >> np.int64(52)) - np.int64(1023)


@part
def power_of_two(n):
    """2^n as float64, -1022 <= n <= 1023: a scale that rounds nothing."""
    return float64((n + np.int64(1023)) << np.int64(52))


@part
def from_bfloat16(h):
    """The float32 of a bfloat16's bits."""
    return float32(np.int32(np.uint32(h) << np.uint32(16)))


@part
def to_bfloat16(x):
    """The bits of the bfloat16 nearest to x, ties to even; NaN for NaN."""
    i = np.uint32(bits32(x))
    if (i & np.uint32(0x7FFFFFFF)) > np.uint32(0x7F800000):
        return np.uint16(0x7FC0)
    return np.uint16((i + np.uint32(0x7FFF) + ((i >> np.uint32(16)) & np.uint32(1))) >> np.uint32(16))


@part
def from_float16(h):
    """The float32 of a float16's bits. Moving the exponent by a multiplication serves subnormals too."""
    i = np.uint32(h)
    magnitude = (i & np.uint32(0x7FFF)) << np.uint32(13)
    value = bits32(float32(np.int32(magnitude)) * np.float32(2.0**112))
    if magnitude >= np.uint32(0x0F800000):  # inf and NaN
        value = np.int32(magnitude | np.uint32(0x7F800000))
    return float32(np.int32(np.uint32(value) | ((i & np.uint32(0x8000)) << np.uint32(16))))


@part
def to_float16(x):
    """The bits of the float16 nearest to x, ties to even; inf from 65520 on, NaN for NaN."""
    i = np.uint32(bits32(x))
    magnitude = i & np.uint32(0x7FFFFFFF)
    if magnitude < np.uint32(0x38800000):  # below 2^-14: float32's own rounding beside 0.5 is that of a subnormal
        half = np.uint32(bits32(float32(np.int32(magnitude)) + _HALF)) - np.uint32(0x3F000000)
    elif magnitude > np.uint32(0x7F800000):
        half = np.uint32(0x7E00)
    elif magnitude >= np.uint32(0x477FF000):
        half = np.uint32(0x7C00)
    else:
        odd = (i >> np.uint32(13)) & np.uint32(1)
        half = (magnitude - np.uint32(112 << 23) + np.uint32(0xFFF) + odd) >> np.uint32(13)
    return np.uint16(half | ((i >> np.uint32(16)) & np.uint32(0x8000)))
