"""Arrays without an owner. A slice of an ordinary one counts references, atomically, when it is made and when it goes;
with 29 tokens and 60 labels that was a fifth of a frame's time (450 → 360 ns, thirty slices a frame).
"""

from typing import Any

from numba import types
from numba.extending import intrinsic


@intrinsic
def borrowed(context: Any, array: Any) -> Any:
    """The same elements with nothing to count. The array itself must be used again after the last use of this."""
    if not isinstance(array, types.Array):
        return None

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        view = context.make_array(array)(context, builder, arguments[0])
        view.meminfo = view.meminfo.type(None)
        view.parent = view.parent.type(None)
        return view._getvalue()

    return array(array), generate
