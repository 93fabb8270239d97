"""Instructions that numba has no name for."""

from typing import Any

from numba import types
from numba.extending import intrinsic


@intrinsic
def count_ones(context: Any, bits: Any) -> Any:
    """How many bits of a uint64 are set."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.ctpop(arguments[0])

    return types.uint64(types.uint64), generate
