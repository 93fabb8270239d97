"""Transcripts laid onto their recordings by a trained recogniser: when each word was said, and how well it fits.

Knows utterances and what keeps one from being aligned; the path itself is asr/ctc/align.py, files are writers.py.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from asr.ctc.align import Alignment, align
from asr.ctc.loss import required_frames
from asr.data.dataset import encode_all
from asr.decoding.greedy import GreedyDecoder
from asr.errors import AsrError, AudioError, LossError, VocabularyError
from asr.inference.recogniser import Recogniser
from asr.inference.stream import Stretch, batches, read_ahead, windows
from asr.inference.words import spelt, timed, words
from asr.types import Hypothesis, Span, Utterance

_LOOK_AHEAD = 8  # batches' worth of audio sorted by length together


@dataclass(frozen=True, slots=True)
class Aligned:
    """One utterance and when its words and tokens were said, in seconds from its beginning.

    text: its transcript as the model learned to write. score: the log probability of the likeliest path that says it
    (nats). heard: what the likeliest path of all says. gap: how much likelier that path is, in nats for each token of
    the longer text; 0 where the transcript is what the model hears.
    """

    id: str
    duration: float
    text: str
    words: tuple[Span, ...]
    tokens: tuple[Span, ...]
    score: float
    heard: str
    gap: float


@dataclass(frozen=True, slots=True)
class _Said:
    """A transcript, normalised, and its targets."""

    text: str
    targets: list[int]


def aligned(
    recogniser: Recogniser,
    normalize: Callable[[str], str],
    utterances: Sequence[Utterance],
    on_error: Callable[[AsrError], None],
    batch_seconds: float = 120.0,
    workers: int = 2,
) -> Iterator[Aligned]:
    """Every utterance of a manifest aligned, in order; `normalize` is that of training.

    What has a character or word the tokenizer does not know, cannot be read, or has more labels than its frames have
    room for goes to `on_error`, named, and is left out. Batches are made as in Recogniser.transcribe_files.
    """
    said: dict[str, _Said] = {}
    for utterance in utterances:
        try:
            (targets,) = encode_all([utterance], normalize, recogniser.tokenizer)
            said[utterance.id] = _Said(normalize(utterance.text), targets)
        except VocabularyError as error:
            on_error(error)
    stretches = [Stretch(u.id, u.audio, u.offset, u.duration) for u in utterances if u.id in said]
    samples = round(batch_seconds * recogniser.sample_rate)
    sounds = read_ahead(stretches, recogniser.sample_rate, workers)
    unreadable = _named(on_error)
    for window in windows(sounds, _LOOK_AHEAD * samples, unreadable):
        found: dict[int, Aligned | AsrError] = {}
        for group in batches([len(waveform) for _, waveform in window], samples):
            found |= zip(group, _of_batch(recogniser, said, [window[i] for i in group]), strict=True)
        for i in range(len(window)):
            result = found[i]
            if isinstance(result, Aligned):
                yield result
            else:
                on_error(result)


def _named(on_error: Callable[[AsrError], None]) -> Callable[[Stretch, AudioError], None]:
    return lambda stretch, error: on_error(AudioError(f"utt {stretch.name}: {error}"))


def _of_batch(
    recogniser: Recogniser, said: Mapping[str, _Said], sounds: Sequence[tuple[Stretch, Tensor]]
) -> list[Aligned | AsrError]:
    rows = [row.cpu() for row in recogniser.emissions([waveform for _, waveform in sounds])]
    emissions, frames = pad_sequence(rows, batch_first=True), torch.tensor([len(row) for row in rows])
    texts = [said[stretch.name] for stretch, _ in sounds]
    lengths = torch.tensor([len(text.targets) for text in texts])
    targets = pad_sequence([torch.tensor(text.targets, dtype=torch.int64) for text in texts], batch_first=True)
    needed = required_frames(targets, lengths).tolist()
    broken = [torch.isnan(row).any() or torch.isposinf(row).any() for row in rows]
    emissions = emissions.nan_to_num(0.0, 0.0, -torch.inf)  # one that broke shall not keep the others
    found = align(emissions, targets, frames, lengths)
    heard = [hypotheses[0] for hypotheses in GreedyDecoder()(emissions, frames)]
    return [
        LossError(f"utt {stretch.name}: the model's outputs are NaN; expected numbers; train again, or look at it")
        if broken[i]
        else _impossible(stretch.name, text, needed[i], len(rows[i]))
        if (alignment := found[i]) is None
        else _aligned(recogniser, stretch.name, len(waveform), text, rows[i], alignment, heard[i])
        for i, ((stretch, waveform), text) in enumerate(zip(sounds, texts, strict=True))
    ]


def _impossible(name: str, said: _Said, needed: int, frames: int) -> LossError:
    if frames >= needed:
        return LossError(f"utt {name}: the model rules its transcript out; expected a path; look for masked tokens")
    return LossError(
        f"utt {name}: {len(said.targets)} labels need at least {needed} frames but the model yields {frames}; "
        "expected room for every label; compare the transcript with the recording, or drop it"
    )


def _aligned(
    recogniser: Recogniser, name: str, samples: int, said: _Said, row: Tensor, path: Alignment, heard: Hypothesis
) -> Aligned:
    tokenizer, step, duration = recogniser.tokenizer, recogniser.frame_seconds, samples / recogniser.sample_rate
    chosen = spelt(said.targets, tokenizer, said.text)  # decoding may write another of two words that sound alike
    spoken = Hypothesis(tuple(said.targets), path.spans, path.score, words=chosen)
    tokens = tuple(
        timed(tokenizer.tokens[token], frames, score, step, duration)
        for token, frames, score in zip(said.targets, path.spans, path.scores, strict=True)
    )
    longer = max(1, len(said.targets), len(heard.tokens))
    return Aligned(
        id=name,
        duration=duration,
        text=said.text,
        words=recogniser.calibrated(words(spoken, row, tokenizer, step, duration)),
        tokens=tokens,
        score=path.score,
        heard=heard.text(tokenizer.decode),
        gap=max(0.0, heard.score - path.score) / longer,  # two orders of summation differ by some 1e-12
    )
