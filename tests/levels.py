"""A recogniser that reads the level of every frame as a token: what it hears of a recording is known beforehand."""

import torch
from torch import Tensor, nn

from asr.decoding.greedy import GreedyDecoder
from asr.inference.recogniser import Recogniser
from asr.text.characters import CharTokenizer

RATE, HOP = 1000, 20  # an output frame is 20 ms
TOKENIZER = CharTokenizer(["<blank>", " ", "a", "b", "c"])
LEVELS = {"_": 0, " ": 1, "a": 2, "b": 3, "c": 4}


class Levels(nn.Module):
    """One feature a frame: the loudest sample of it."""

    hop_length = HOP

    def forward(self, waveforms: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        padded = nn.functional.pad(waveforms, (0, -waveforms.shape[1] % HOP))
        return padded.unflatten(1, (-1, HOP)).amax(2, keepdim=True), -(-lengths // HOP)


class Reader(nn.Module):
    """Takes the level of a frame for a token, at odds of e^9 to 1."""

    subsampling = 1

    def output_lengths(self, lengths: Tensor) -> Tensor:
        return lengths

    def forward(self, features: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        levels = (features[:, :, 0] * 10).round().long().clamp(0, 4)
        return nn.functional.one_hot(levels, 5).float() * 9, lengths


READER = Recogniser(Levels(), Reader(), TOKENIZER, GreedyDecoder(), RATE)  # type: ignore[arg-type]
CERTAIN = torch.tensor([9.0, 0, 0, 0, 0]).log_softmax(0)[0].item()


def wave(script: str) -> Tensor:
    """A waveform that says one character of `script` a frame; `_` is the blank."""
    return torch.tensor([LEVELS[c] / 10 for c in script]).repeat_interleave(HOP)
