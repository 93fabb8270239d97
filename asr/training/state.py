"""Where a run stands: the small state that goes into a checkpoint beside weights, optimiser and generators."""

from dataclasses import asdict, dataclass, field, fields
from typing import Any


@dataclass
class Window:
    """Sums since the last log line."""

    loss: float = 0.0  # nats
    tokens: float = 0.0
    even: float = 0.0  # nats of constant outputs on the same utterances: asr/training/yardsticks.py
    only_blanks: float = 0.0
    gradient_norm: float = 0.0
    clipped: int = 0
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

    def note_step(self, loss: float, tokens: float, constant: tuple[float, float], norm: float, clipped: bool) -> None:
        """Add a step of all processes that was learned from; `constant` is what even outputs and only blanks cost."""
        self.loss, self.tokens = self.loss + loss, self.tokens + tokens
        self.even, self.only_blanks = self.even + constant[0], self.only_blanks + constant[1]
        self.gradient_norm, self.clipped, self.steps = self.gradient_norm + norm, self.clipped + clipped, self.steps + 1

    def note_blanks(self, probability: float, occupancy: float) -> None:
        """Add what the loss knows of a batch's blanks, summed over frames."""
        self.blank_probability = (self.blank_probability or 0.0) + probability
        self.blank_occupancy = (self.blank_occupancy or 0.0) + occupancy

    def summary(self, sample_rate: int, comparable: bool = True) -> dict[str, Any]:
        """What a log line says of these steps: loss [nats/token], pace [audio s/s] and shares in [0, 1].

        The loss is None where nothing was learned from. even_loss and blanks_loss are what constant outputs cost on the
        very same utterances, None too without `comparable`: another loss than CTC has other plateaus. clipped is the
        share of steps. blank_share counts frames whose best token is the blank; blank_probability and blank_occupancy
        are means over frames, of the model and of the targets' alignments, None where the loss does not tell.
        """
        return {
            "loss": self._of_a_token(self.loss),
            "even_loss": self._of_a_token(self.even) if comparable else None,
            "blanks_loss": self._of_a_token(self.only_blanks) if comparable else None,
            "gradient_norm": self.gradient_norm / max(1, self.steps),
            "clipped": self.clipped / max(1, self.steps),
            "audio_seconds_per_second": self.samples / sample_rate / max(1e-9, self.seconds),
            "data_wait": self.waited / max(1e-9, self.seconds),
            "padding": 1.0 - self.samples / max(1, self.padded),
            "blank_share": self.blanks / max(1, self.frames),
            "blank_probability": self._of_a_frame(self.blank_probability),
            "blank_occupancy": self._of_a_frame(self.blank_occupancy),
            "empty_share": self.empty / max(1, self.utterances),
        }

    def _of_a_token(self, total: float) -> float | None:
        return total / self.tokens if self.tokens else None

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
