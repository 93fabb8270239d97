"""What the verbs share of the terminal: lines, and progress bars where somebody watches."""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any


def say(line: str) -> None:
    """Print a line, above the progress bar where there is one."""
    from tqdm import tqdm

    tqdm.write(line)
    sys.stdout.flush()


def progress(items: Iterable[Any], what: str, total: int | None = None) -> Iterable[Any]:
    """`items`, with a progress bar on the terminal."""
    from tqdm import tqdm

    return tqdm(items, desc=what, total=total, leave=False, mininterval=0.5, disable=not sys.stderr.isatty())


@contextmanager
def bar(what: str, total: float = 1.0) -> Iterator[Callable[[float], None]]:
    """A progress bar over a share of `total`; yields the function that is told how far things are."""
    from tqdm import tqdm

    form = "{desc} {percentage:3.0f}%|{bar}| {elapsed}<{remaining}"
    with tqdm(desc=what, total=total, bar_format=form, leave=False, disable=not sys.stderr.isatty()) as shown:

        def advance(done: float) -> None:
            shown.update(max(0.0, done - shown.n))

        yield advance
