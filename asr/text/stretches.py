"""Where the words lie in a row of token ids."""

from collections.abc import Container, Sequence


def stretches(ids: Sequence[int], between: Container[int], starting: Container[int] = ()) -> list[tuple[int, int]]:
    """The words of `ids` as [start, end): ids in `between` stand between words, ids in `starting` begin one."""
    found: list[tuple[int, int]] = []
    start = 0
    for i, token in enumerate(ids):
        if token in between or token in starting:
            if start < i:
                found.append((start, i))
            start = i + (token in between)
    return [*found, (start, len(ids))] if start < len(ids) else found
