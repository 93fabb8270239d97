"""How a verb of the program ended when a test ran it."""

from collections.abc import Callable
from typing import NamedTuple


class Ended(NamedTuple):
    """Exit code, standard output and standard error."""

    code: int
    out: str
    err: str


Verb = Callable[..., Ended]
