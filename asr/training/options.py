"""Options of a training run: what is minimised, what the optimiser does, for how long, and when to look."""

from typing import Literal

from pydantic import Field

from asr.options import Options


class CtcOptions(Options):
    """Plain CTC."""

    kind: Literal["ctc"] = "ctc"


class LabelPriorOptions(Options):
    """CTC over posteriors divided by prior^scale; the prior is a running mean of the model's posteriors."""

    kind: Literal["label_prior"] = "label_prior"
    scale: float = Field(0.3, ge=0, le=1)  # 0: plain CTC
    prior: Literal["labels", "blank"] = "labels"  # blank: the other tokens count as equally frequent
    decay: float = Field(0.99, ge=0, lt=1)  # what a step keeps of the prior


class CrCtcOptions(Options):
    """CR-CTC: two augmented views of each utterance, whose posteriors shall agree. A step costs twice as much."""

    kind: Literal["cr_ctc"] = "cr_ctc"
    alpha: float = Field(0.2, ge=0)  # weight of the consistency


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
