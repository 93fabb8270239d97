"""Features of recordings of any length, block by block and in constant memory.

Frames are those of the whole recording, bit for bit but for the order of sums. Normalisation `utterance` slides: each
frame is normalised by the mean and variance of the half minute around it, so that it depends neither on how a
recording is cut nor on what is said minutes later. A recording no longer than that is normalised as a whole.
"""

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor

from asr.features.features import SMALLEST_VARIANCE, Features
from asr.features.framing import num_frames

# s; what the longest utterances of training last. 12 minutes of digits by unknown voices, one after the other, had
# a WER of 33.6, 32.2, 31.7, 32.4 and 32.3 % at 5, 10, 20, 30 and 60 s, and 33.5 % normalised as a whole
NORMALIZED_OVER = 30.0


def feature_blocks(features: Features, waveform: Iterable[Tensor]) -> Iterator[Tensor]:
    """A waveform in blocks (S,) of any sizes → its features in blocks (T, F), on the CPU.

    Of a waveform shorter than a window there is one frame, as ever.
    """
    blocks = _unnormalized(features, waveform)
    if features.options.normalize == "utterance":
        width = round(NORMALIZED_OVER * features.options.sample_rate / features.hop_length)
        yield from _sliding(blocks, max(1, width))
        return
    device = features.window.device
    for block in blocks:
        yield features.normalized(block[None].to(device), torch.tensor([len(block)], device=device))[0].cpu()


def _unnormalized(features: Features, waveform: Iterable[Tensor]) -> Iterator[Tensor]:
    """Frames as soon as all their samples are there; preemphasis needs no sample before, as Hann windows begin at 0."""
    win, hop = features.options.win_length, features.hop_length
    held, any_frame = torch.zeros(0), False
    for block in waveform:
        held = torch.cat([held, block])
        if len(held) >= win:
            count = num_frames(len(held), win, hop)
            yield _frames(features, held[: (count - 1) * hop + win])
            held, any_frame = held[count * hop :], True
    if not any_frame:
        yield _frames(features, held)


@torch.inference_mode()
def _frames(features: Features, waveform: Tensor) -> Tensor:
    device = features.window.device
    with torch.autocast(device.type, enabled=False):
        found, _ = features.unnormalized(waveform[None].to(device), torch.tensor([len(waveform)], device=device))
    return found[0].cpu()


def _sliding(blocks: Iterable[Tensor], width: int) -> Iterator[Tensor]:
    """Each frame normalised over the `width` frames around it; at both ends the window stays within the recording."""
    held: Tensor | None = None
    start = done = 0  # of the frames of the recording: the first one held, the next one to normalise
    for block in blocks:
        held = block if held is None else torch.cat([held, block])
        end = start + len(held)
        ready = end - width + width // 2 + 1
        if end < width or ready <= done:
            continue
        yield _normalized(held, start, done, ready, width)
        done, keep = ready, max(0, ready - width // 2 - 1)
        held, start = held[keep - start :], keep
    if held is not None and done < start + len(held):
        yield _normalized(held, start, done, start + len(held), width)


def _normalized(held: Tensor, start: int, first: int, last: int, width: int) -> Tensor:
    """Frames [first, last) of the recording, of which `held` (T, F) are those from `start` on."""
    end = start + len(held)
    count = min(width, end)
    begins = (torch.arange(first, last) - width // 2).clamp(0, end - count) - start
    x = held.double()
    mean = _sums(x, begins, count) / count
    variance = (_sums(x.square(), begins, count) / count - mean.square()).clamp(min=0.0)
    return ((x[first - start : last - start] - mean) * (variance + SMALLEST_VARIANCE).rsqrt()).float()


def _sums(x: Tensor, begins: Tensor, count: int) -> Tensor:
    """(T, F) → the sums of `count` frames from each of `begins` on."""
    sums = torch.cat([x.new_zeros(1, x.shape[1]), x.cumsum(0)])
    return sums[begins + count] - sums[begins]
