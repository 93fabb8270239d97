"""Utterances as examples: read, resample, perturb, tokenize. Runs in loader workers."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from asr.audio.io import read_audio
from asr.audio.perturb import Perturbation
from asr.errors import AudioError, VocabularyError
from asr.interfaces import Tokenizer
from asr.seeding import generator
from asr.types import Batch, Example, Utterance

PERTURB = 1  # the stream of random numbers of waveform perturbation, apart from those of other parts


def encode_all(
    utterances: Sequence[Utterance], normalize: Callable[[str], str], tokenizer: Tokenizer
) -> list[list[int]]:
    """The targets of every utterance. Raises VocabularyError that names the utterance and the character."""
    targets = []
    for utterance in utterances:
        try:
            targets.append(tokenizer.encode(normalize(utterance.text)))
        except VocabularyError as error:
            raise VocabularyError(f"utt {utterance.id}: {error}") from None
    return targets


class SpeechDataset(Dataset[Example]):
    """dataset[epoch, index] → Example. The epoch only seeds the perturbation, (seed, epoch, index)."""

    def __init__(
        self,
        utterances: Sequence[Utterance],
        targets: Sequence[Sequence[int]],
        sample_rate: int,
        perturb: Perturbation | None = None,
        seed: int = 0,
    ) -> None:
        self.utterances, self.targets = list(utterances), [torch.tensor(t, dtype=torch.int64) for t in targets]
        self.sample_rate, self.perturb, self.seed = sample_rate, perturb, seed

    def __len__(self) -> int:
        return len(self.utterances)

    def durations(self, epoch: int) -> list[float]:
        """Seconds of every utterance as epoch `epoch` hears it, so that batches are made of what they will hold."""
        durations = [u.duration for u in self.utterances]
        if self.perturb is None or not self.perturb.options.speed:
            return durations
        rngs = (generator(self.seed, epoch, i, PERTURB) for i in range(len(durations)))
        return [d / self.perturb.speed(rng) for d, rng in zip(durations, rngs, strict=True)]

    def __getitem__(self, key: tuple[int, int]) -> Example:
        epoch, index = key
        utterance = self.utterances[index]
        try:
            waveform, _ = read_audio(utterance.audio, self.sample_rate, utterance.offset, utterance.duration)
        except AudioError as error:
            raise AudioError(f"utt {utterance.id}: {error}") from None
        if self.perturb is not None:
            waveform = self.perturb(waveform, generator(self.seed, epoch, index, PERTURB))
        return Example(index, utterance.id, torch.from_numpy(np.ascontiguousarray(waveform)), self.targets[index])


def collate(examples: Sequence[Example]) -> Batch:
    """Examples to one padded Batch; padding is 0."""
    waveforms, waveform_lengths = _pad([e.waveform for e in examples])
    targets, target_lengths = _pad([e.targets for e in examples])
    indices, ids = tuple(e.index for e in examples), tuple(e.id for e in examples)
    return Batch(indices, ids, waveforms, waveform_lengths, targets, target_lengths)


def _pad(rows: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    lengths = torch.tensor([len(row) for row in rows], dtype=torch.int64)
    return torch.nn.utils.rnn.pad_sequence(list(rows), batch_first=True), lengths
