"""Where a run stands: the small state that goes into a checkpoint beside weights, optimiser and generators."""

from dataclasses import asdict, dataclass, field, fields
from typing import Any


@dataclass
class Window:
    """Sums since the last log line."""

    loss: float = 0.0  # nats
    tokens: float = 0.0
    gradient_norm: float = 0.0
    steps: int = 0
    samples: float = 0.0
    padded: float = 0.0
    frames: float = 0.0
    blanks: float = 0.0
    blank_probability: float | None = None
    blank_occupancy: float | None = None
    utterances: float = 0.0
    empty: float = 0.0
    waited: float = 0.0  # s
    seconds: float = 0.0

    def note_blanks(self, probability: float, occupancy: float) -> None:
        """Add what the loss knows of a batch's blanks, summed over frames."""
        self.blank_probability = (self.blank_probability or 0.0) + probability
        self.blank_occupancy = (self.blank_occupancy or 0.0) + occupancy

    def summary(self, sample_rate: int) -> dict[str, Any]:
        """What a log line says of these steps: loss [nats/token], pace [audio s/s] and shares in [0, 1].

        The loss is None where nothing was learned from. blank_share counts frames whose best token is the blank;
        blank_probability and blank_occupancy are means over frames, of the model and of the targets' alignments, None
        where the loss does not tell.
        """
        return {
            "loss": self.loss / self.tokens if self.tokens else None,
            "gradient_norm": self.gradient_norm / max(1, self.steps),
            "audio_seconds_per_second": self.samples / sample_rate / max(1e-9, self.seconds),
            "data_wait": self.waited / max(1e-9, self.seconds),
            "padding": 1.0 - self.samples / max(1, self.padded),
            "blank_share": self.blanks / max(1, self.frames),
            "blank_probability": self._of_a_frame(self.blank_probability),
            "blank_occupancy": self._of_a_frame(self.blank_occupancy),
            "empty_share": self.empty / max(1, self.utterances),
        }

    def _of_a_frame(self, total: float | None) -> float | None:
        return None if total is None else total / max(1, self.frames)


@dataclass
class RunState:
    """Position (the next batch to learn from), counters and the best so far."""

    epoch: int = 0
    batch: int = 0
    step: int = 0
    elapsed: float = 0.0  # s of training and validation, over all resumes
    next_validation: float = 0.0  # epochs
    validated_step: int = 0
    best_wer: float | None = None
    best_loss: float | None = None
    stale: int = 0  # validations since the best
    tokens: float = 0.0  # learned from so far
    skipped: int = 0  # non-finite steps
    bad_in_a_row: int = 0
    infeasible: list[str] = field(default_factory=list)  # ids met so far whose targets did not fit
    window: Window = field(default_factory=Window)

    def plain(self) -> dict[str, Any]:
        """Plain data for a checkpoint."""
        return asdict(self)

    @classmethod
    def from_plain(cls, data: dict[str, Any]) -> "RunState":
        """The state `plain` described."""
        names = {f.name for f in fields(cls)}
        return cls(**{k: v for k, v in data.items() if k in names - {"window"}}, window=Window(**data["window"]))
