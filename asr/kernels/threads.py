"""Calls of compiled code at the same time, in threads of our own.

numba's own parallel loops are not used: their OpenMP layer aborts in a process forked after its first use, their
portable layer when two Python threads call at once.
"""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

_pools: dict[int, ThreadPoolExecutor] = {}
os.register_at_fork(after_in_child=_pools.clear)  # threads do not survive a fork


def together(calls: Sequence[Callable[[], Any]]) -> list[Any]:
    """The results of the calls, made at the same time, the first of them here. They must not call `together`."""
    waiting, own = {}, list(enumerate(calls[:1]))
    for i, call in enumerate(calls[1:], 1):
        try:
            pool = _pools.setdefault(0, ThreadPoolExecutor(os.cpu_count(), "asr-kernels"))
            waiting[i] = pool.submit(call)
        except RuntimeError:  # the interpreter is ending, and starts no more threads
            own.append((i, call))
    results = {i: call() for i, call in own} | {i: future.result() for i, future in waiting.items()}
    return [results[i] for i in range(len(calls))]
