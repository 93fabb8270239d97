"""Options of a training run: what the optimiser does, for how long, and when to look."""

from typing import Literal

from pydantic import Field

from asr.options import Options


class TrainingOptions(Options):
    """The training run. Schedules are functions of progress, the share of the run that is over."""

    epochs: int = Field(20, ge=1)
    minutes: float | None = Field(None, gt=0)  # anneal to this wall-clock budget if the epochs would take longer
    optimizer: Literal["adamw", "sgd"] = "adamw"
    lr: float = Field(1e-3, gt=0)  # the peak
    weight_decay: float = Field(1e-2, ge=0)
    momentum: float = Field(0.9, ge=0, lt=1)  # Nesterov, sgd only
    schedule: Literal["onecycle", "cosine", "deepspeech2"] = "onecycle"
    warmup: float = Field(0.1, ge=0, lt=1)  # share of the run
    anneal: float = Field(1.1, ge=1)  # deepspeech2: lr is divided by this after every epoch
    clip: float = Field(5.0, gt=0)  # largest norm of the gradient
    accumulation: int = Field(1, ge=1)  # batches a step
    precision: Literal["auto", "fp32", "bf16"] = "fp32"  # auto: bf16 where the hardware multiplies it
    validate_every: float = Field(1.0, gt=0)  # epochs
    log_every: int = Field(10, ge=1)  # steps
    checkpoint_every: float = Field(5.0, gt=0)  # minutes, besides one after every validation
    patience: int | None = Field(None, ge=1)  # validations without a better WER before stopping early
    average: int = Field(1, ge=1)  # the model is the mean of the weights at the last so many validations, if better
    bad_steps: int = Field(10, ge=1)  # non-finite steps in a row that stop the run
