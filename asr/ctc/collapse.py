"""The map from paths to labellings: repeats merge, blanks vanish (Graves 2006, section 3.1).

The blank is id 0, defined here and nowhere else.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

BLANK = 0


def collapse(ids: Tensor | Sequence[int]) -> tuple[list[int], list[tuple[int, int]]]:
    """The labelling of one path (T,): its tokens, and the frames [start, end) of the run each came from."""
    path = torch.as_tensor(ids, dtype=torch.int64).cpu()
    runs, counts = torch.unique_consecutive(path, return_counts=True)
    ends = counts.cumsum(0)
    kept = runs != BLANK
    frames = zip((ends - counts)[kept].tolist(), ends[kept].tolist(), strict=True)
    return runs[kept].tolist(), list(frames)
