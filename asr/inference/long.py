"""Recordings of hours in constant memory: the model hears windows that overlap, and what it heard is one again.

    features    one stream, block by block, the same however the recording is cut (features/sliding.py)
    windows     [··context··|···chunk···|··context··]
                                  [··context··|···chunk···|··context··]
    emissions   where two windows meet the seam is looked for in what both hear as silence (seams.py)
    stretches   half minutes or so, cut between words, are decoded one after the other

How long a chunk is does not change the transcript, as long as a frame's emissions depend on no more than `CONTEXT`
seconds on either side: convolutions with a receptive field below that give the same emissions to rounding. Recurrent
layers hear all of their window; what is further away than CONTEXT moves their probabilities a little.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from asr.audio.io import read_blocks
from asr.features.sliding import feature_blocks
from asr.inference.recogniser import Recogniser, distinct, transcript_of
from asr.inference.seams import Tokens, cut, seam
from asr.types import Alternative, Span, Transcript

CONTEXT = 4.0  # s heard on both sides of what counts; QuartzNet as configured by default sees 3.8 s
SEARCH = 1.5  # s on both sides of a chunk's end where the seam may lie; speech pauses every few seconds
SHORTEST_CHUNK = 5.0  # s
_STRETCH = 30.0  # s of emissions of which a cut is looked for


@dataclass(frozen=True, slots=True)
class Window:
    """What the model hears at once: features (T, F), of which the first is that of output frame `first`."""

    first: int
    features: Tensor


def transcribe_long(
    recogniser: Recogniser,
    id: str,
    path: Path,
    chunk_seconds: float = 30.0,
    batch_seconds: float = 120.0,
    progress: Callable[[float], None] = lambda seconds: None,
) -> Transcript:
    """A recording of any length as a transcript; what is held of it does not grow with it, but for the words.

    Windows of one chunk and its context are heard together, as many as `batch_seconds` hold; `progress` is told how
    many seconds are done. Each stretch is decoded as if it were alone, so a language model begins anew with it; the
    N-best texts are the best combinations of those of the stretches. Raises AudioError.
    """
    samples = 0

    def counted() -> Iterator[Tensor]:
        nonlocal samples
        for block in read_blocks(path, recogniser.sample_rate):
            samples += len(block)
            yield torch.from_numpy(block)

    tokens = Tokens.of(recogniser.tokenizer)
    emissions = long_emissions(recogniser, counted(), chunk_seconds, batch_seconds)
    words: list[Span] = []
    nbest: tuple[Alternative, ...] = (Alternative("", 0.0),)
    for first, stretch in stretches(emissions, round(_STRETCH / recogniser.frame_seconds), tokens):
        (found,) = recogniser.decoder(stretch[None], torch.tensor([len(stretch)]))
        best, alternatives = recogniser.heard(found, stretch, math.inf, first)
        words += best
        nbest = combined(nbest, alternatives)
        progress((first + len(stretch)) * recogniser.frame_seconds)
    duration = samples / recogniser.sample_rate
    clipped = [replace(w, start=min(w.start, duration), end=min(w.end, duration)) for w in words]
    return transcript_of(id, duration, clipped, nbest)


def combined(left: Sequence[Alternative], right: Sequence[Alternative]) -> tuple[Alternative, ...]:
    """The likeliest texts of two stretches said one after the other, as many as the longer list has."""
    pairs = [
        Alternative(f"{a.text} {b.text}".strip(), a.score + b.score, a.acoustic + b.acoustic, a.lm + b.lm)
        for a in left
        for b in right
    ]
    return distinct(sorted(pairs, key=lambda pair: -pair.score))[: max(len(left), len(right))]


def long_emissions(
    recogniser: Recogniser, waveform: Iterable[Tensor], chunk_seconds: float = 30.0, batch_seconds: float = 120.0
) -> Iterator[Tensor]:
    """A waveform in blocks (S,) → its log probabilities in blocks (T, V), on the CPU, every frame once."""
    chunk, context, search = (
        max(1, round(seconds / recogniser.frame_seconds)) for seconds in (chunk_seconds, CONTEXT, SEARCH)
    )
    overlap = context + search
    features = feature_blocks(recogniser.features, waveform)
    of_model = windows(features, recogniser.model.subsampling, chunk, overlap)
    together = max(1, int(batch_seconds / ((chunk + 2 * overlap) * recogniser.frame_seconds)))
    yield from stitched(_heard(recogniser, of_model, together), chunk, search, Tokens.of(recogniser.tokenizer))


def windows(features: Iterable[Tensor], subsampling: int, chunk: int, overlap: int) -> Iterator[Window]:
    """Features in blocks (T, F) → windows of `chunk` output frames with `overlap` more on both sides.

    They begin where an output frame does, so that their frames are those of the whole. The last one ends with the
    recording; one with nothing new is left out.
    """
    held: Tensor | None = None
    number = first = 0  # of the next window, and of the output frames held
    for block in features:
        held = block if held is None else torch.cat([held, block])
        # a frame more: what fills a window exactly may be the end
        while len(held) > (size := ((number + 1) * chunk + overlap - first) * subsampling):
            yield Window(first, held[:size])
            number += 1
            begin = max(0, number * chunk - overlap)
            held, first = held[(begin - first) * subsampling :], begin
    if held is not None:
        yield Window(first, held)


def _heard(recogniser: Recogniser, of_model: Iterable[Window], together: int) -> Iterator[tuple[int, Tensor]]:
    """The first output frame of each window, and its log probabilities (T, V)."""
    waiting: list[Window] = []
    for window in of_model:
        waiting.append(window)
        if len(waiting) == together:
            yield from _of_batch(recogniser, waiting)
            waiting = []
    if waiting:
        yield from _of_batch(recogniser, waiting)


def _of_batch(recogniser: Recogniser, batch: Sequence[Window]) -> list[tuple[int, Tensor]]:
    features = pad_sequence([window.features for window in batch], batch_first=True).to(recogniser.device)
    lengths = torch.tensor([len(window.features) for window in batch], device=recogniser.device)
    found, frames = recogniser.log_probs(features, lengths)
    return [(w.first, row[:n].cpu()) for w, row, n in zip(batch, found, frames.tolist(), strict=True)]


def stitched(heard: Iterable[tuple[int, Tensor]], chunk: int, search: int, tokens: Tokens) -> Iterator[Tensor]:
    """Overlapping emissions (T, V), each with its first frame → every frame once, in order.

    The seam of windows k − 1 and k lies within `search` frames of the end of chunk k − 1, frame k · chunk.
    """
    before: Tensor | None = None
    start = at = 0  # of the frames of the recording: the first of `before`, and the first not yet yielded
    for k, (first, emissions) in enumerate(heard):
        if before is not None:
            common = before[first - start :]
            low, high = (min(max(k * chunk + d, at) - first, len(common)) for d in (-search, search))
            place = first + seam(common, emissions[: len(common)], low, high, tokens)
            yield before[at - start : place - start]
            at = place
        before, start = emissions, first
    if before is not None:
        yield before[at - start :]


def stretches(emissions: Iterable[Tensor], longest: int, tokens: Tokens) -> Iterator[tuple[int, Tensor]]:
    """Emissions in blocks (T, V) → in stretches of at most `longest` frames cut between words, with their first frames.

    Where depends on the emissions alone, not on their blocks.
    """
    held: Tensor | None = None
    first = 0
    for block in emissions:
        held = block if held is None else torch.cat([held, block])
        while len(held) > longest:
            end = cut(held[:longest], tokens)
            yield first, held[:end]
            held, first = held[end:], first + end
    if held is not None and len(held):
        yield first, held
