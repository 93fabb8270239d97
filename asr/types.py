"""The vocabulary of the program on one page: what travels between the rooms.

Dimensions, batch first everywhere:
    B batch · S samples · T frames · F features · C channels · D width · H heads
    V vocabulary with blank · L targets · K beams
Lengths are int64 and travel with the tensor they describe. Durations and offsets are seconds, rates Hz, losses nats.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor


@dataclass(frozen=True, slots=True)
class Utterance:
    """One line of a manifest: where a stretch of speech lies and what was said. Metadata only, no samples."""

    id: str
    audio: Path
    duration: float  # s
    text: str
    speaker: str | None = None
    offset: float = 0.0  # s into the file
    extra: dict[str, Any] = field(default_factory=dict)  # every other field of the manifest, kept as it was


@dataclass(frozen=True, slots=True)
class Example:
    """One utterance ready for a batch: its index in the manifest, waveform (S,) float32 and targets (L,) int64."""

    index: int
    id: str
    waveform: Tensor
    targets: Tensor


@dataclass(frozen=True, slots=True)
class Batch:
    """Padded examples: waveforms (B, S) with waveform_lengths (B,), targets (B, L) with target_lengths (B,)."""

    indices: tuple[int, ...]
    ids: tuple[str, ...]
    waveforms: Tensor
    waveform_lengths: Tensor
    targets: Tensor
    target_lengths: Tensor

    def to(self, device: Any) -> "Batch":
        """The same batch with its tensors on `device`."""
        move = (self.waveforms, self.waveform_lengths, self.targets, self.target_lengths)
        return Batch(self.indices, self.ids, *(t.to(device, non_blocking=True) for t in move))

    def pin_memory(self) -> "Batch":
        """The same batch in page-locked memory, from which copies to a GPU need not wait."""
        pinned = (self.waveforms, self.waveform_lengths, self.targets, self.target_lengths)
        return Batch(self.indices, self.ids, *(t.pin_memory() for t in pinned))

    @property
    def samples(self) -> int:
        """Samples of speech, padding left out."""
        return int(self.waveform_lengths.sum())


@dataclass(frozen=True, slots=True)
class Span:
    """A token or word and when it was said: `start` and `end` in seconds, `score` the mean log probability (nats).

    `confidence` in [0, 1] is what a recogniser's calibration makes of the score; None where nobody asked one.
    """

    text: str
    start: float
    end: float
    score: float = 0.0
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """What a decoder believes was said: token ids, the frame each token begins and ends at [frames), and its score.

    `score` (nats) is what the decoder ranks by: the log probability of the best path (greedy), or of all paths of the
    tokens, `acoustic`, together with what the language model and the word bonus add. `words` are the words a lexicon
    chose, each with its tokens [start, end); None where the text is what the tokens spell.
    """

    tokens: tuple[int, ...]
    frames: tuple[tuple[int, int], ...]
    score: float
    acoustic: float = 0.0
    lm: float = 0.0  # the language model's log probability (nats), unweighted
    words: tuple[tuple[str, int, int], ...] | None = None

    def text(self, decode: Callable[[Sequence[int]], str]) -> str:
        """The words a lexicon chose, or what `decode` makes of the tokens."""
        return decode(self.tokens) if self.words is None else " ".join(word for word, _, _ in self.words)


@dataclass(frozen=True, slots=True)
class Alternative:
    """One of the texts a decoder thought of, with the scores of its Hypothesis (nats)."""

    text: str
    score: float
    acoustic: float = 0.0
    lm: float = 0.0


@dataclass(frozen=True, slots=True)
class Transcript:
    """What was said in one recording: its name, duration (s), text and words with times.

    `nbest` are the decoder's texts, best first, `text` among them; empty where it thought of one only.
    """

    id: str
    duration: float
    text: str
    words: tuple[Span, ...] = ()
    nbest: tuple[Alternative, ...] = ()
