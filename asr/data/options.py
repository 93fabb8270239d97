"""Options of the data: which manifests, and how utterances meet in batches."""

from typing import Literal

from pydantic import Field

from asr.data.sampler import SortaGrad
from asr.options import Options, PathOption


class DataOptions(Options):
    """The manifests of a run and its batches."""

    train: PathOption
    dev: PathOption
    batch_seconds: float = Field(120.0, gt=0)  # padded audio in a batch
    sortagrad: SortaGrad = "first_epoch"
    workers: int = Field(1, ge=0)  # processes that read and perturb audio
    min_duration: float = Field(0.0, ge=0)  # s; training utterances outside the bounds are left out and counted
    max_duration: float = Field(30.0, gt=0)
    infeasible: Literal["error", "drop"] = "error"  # training targets that cannot fit into their frames
