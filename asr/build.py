"""The composition root: options become objects, and only here. Also what is inside a model.pt."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from asr import seeding
from asr.audio.perturb import Perturbation
from asr.config import Config, config_from_tree, read_decoding, to_tree
from asr.ctc.loss import ctc_loss, log_probs, required_frames
from asr.data.dataset import SpeechDataset, encode_all
from asr.data.loader import load_batches
from asr.data.manifest import read_manifest
from asr.data.sampler import BatchSampler
from asr.decoding.beam import BeamDecoder
from asr.decoding.setup import decoder_for
from asr.errors import CheckpointError, ConfigError, ManifestError
from asr.evaluation.errors import ErrorCounts, character_errors, word_errors
from asr.features.features import Features
from asr.features.specaugment import SpecAugment, draw_warps
from asr.features.warping import warp_features
from asr.interfaces import Decoder, Tokenizer
from asr.models.deepspeech2 import DeepSpeech2, DeepSpeech2Options
from asr.models.quartznet import QuartzNet
from asr.text.normalize import UNIT_OPTIONS, Normalizer
from asr.text.tokenizers import build_tokenizer, tokenizer_from_state
from asr.training import checkpoint
from asr.training.journal import Journal
from asr.training.objective import ConsistencyCTC, LabelPriorCTC, Objective
from asr.training.options import CrCtcOptions, LabelPriorOptions
from asr.training.trainer import Trainer
from asr.types import Batch, Utterance
from asr.world import World

_FIT_UTTERANCES = 1000  # at least, where there are as many: some minutes of every hour
_SAMPLES = 4  # validation utterances whose transcripts the log keeps
_AUGMENT = 2  # the stream of random numbers of feature augmentation


@dataclass(frozen=True)
class System:
    """A recogniser's parts, built and on their device."""

    config: Config
    features: Features
    model: nn.Module
    tokenizer: Tokenizer
    normalizer: Normalizer
    decoder: Decoder
    device: torch.device

    def describe_decoder(self) -> str:
        """What searches the emissions, in words, for a report."""
        return self.decoder.describe() if isinstance(self.decoder, BeamDecoder) else self.config.decoding.describe()

    def output_frames(self, samples: int) -> int:
        """Logit frames of a waveform of `samples` samples, exact."""
        frames = self.features.output_lengths(torch.tensor([samples]))
        return int(self.model.output_lengths(frames))  # type: ignore[operator]


def build_system(config: Config, tokenizer: Tokenizer, device: torch.device) -> System:
    """An untrained recogniser; its weights depend on config.seed alone."""
    seeding.seed_everything(config.seed)
    features = Features(config.features)
    model = make_model(config, features.num_features, len(tokenizer.tokens))
    decoder = make_decoder(config, tokenizer)
    return System(config, features.to(device), model.to(device), tokenizer, Normalizer(config.text), decoder, device)


def make_model(config: Config, num_features: int, num_tokens: int) -> nn.Module:
    """The acoustic model the options describe."""
    if isinstance(config.model, DeepSpeech2Options):
        return DeepSpeech2(config.model, num_features, num_tokens)
    return QuartzNet(config.model, num_features, num_tokens)


def make_objective(config: Config, num_tokens: int) -> Objective:
    """What training minimises, as the options describe it."""
    if isinstance(config.loss, LabelPriorOptions):
        return LabelPriorCTC(config.loss, num_tokens)
    return ConsistencyCTC(config.loss) if isinstance(config.loss, CrCtcOptions) else Objective()


def make_decoder(config: Config, tokenizer: Tokenizer) -> Decoder:
    """The decoder the options describe."""
    return decoder_for(config.decoding, tokenizer)


# ── model.pt ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def system_parts(system: System) -> dict[str, Any]:
    """The plain data beside the weights in model.pt."""
    return {
        "config": to_tree(system.config),
        "tokenizer": system.tokenizer.state(),
        "features": {k: v.cpu() for k, v in system.features.state_dict().items()},
    }


def load_system(
    run: Path, device: torch.device, overrides: Sequence[str] = (), decoding: Path | None = None
) -> System:  # fmt: skip
    """The recogniser in a run folder or model.pt, decoding as it was trained to, as the file `decoding` says over that
    (config.read_decoding), and as overrides say over both. Overrides reach decoding and text only.

    Raises CheckpointError: no such file, truncated, code inside, weights of another shape than its config.
    """
    path = run / "model.pt" if run.is_dir() else run
    if run.is_dir() and not path.is_file():
        raise CheckpointError(
            f"{run}: holds no model.pt; expected a run that was validated once; train longer, or --resume it"
        )
    saved = checkpoint.load(path, "model")
    missing = sorted({"config", "tokenizer", "features", "model"} - saved.keys())
    if missing:
        raise CheckpointError(f"{path}: holds no {missing[0]}; expected a model of this version; train again")
    for override in overrides:
        if not override.startswith(("decoding.", "text.")):
            raise ConfigError(
                f"{override}: cannot change a trained model; expected decoding.… or text.…; train again for others"
            )
        if override.partition("=")[0].strip().removeprefix("text.") in UNIT_OPTIONS:
            raise ConfigError(
                f"{override}: cannot change the units of a trained model; expected how its texts are normalised, such "
                "as text.case=…; train again for other units"
            )
    if decoding is not None:
        saved["config"]["decoding"] = saved["config"].get("decoding", {}) | read_decoding(decoding)
    config = config_from_tree(saved["config"], overrides, str(path))
    system = build_system(config, tokenizer_from_state(saved["tokenizer"]), device)
    try:
        system.features.load_state_dict(saved["features"])
        system.model.load_state_dict(saved["model"])
    except RuntimeError as error:
        raise CheckpointError(
            f"{path}: its weights do not fit its config ({str(error).splitlines()[-1].strip()}); "
            "expected a model of this version; train again"
        ) from None
    system.model.eval()
    return system


# ── training ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class TrainingData:
    """What a run learns from: utterances with their targets, for training and validation."""

    train: list[Utterance]
    train_targets: list[list[int]]
    dev: list[Utterance]
    dev_targets: list[list[int]]
    tokenizer: Tokenizer


def make_tokenizer(config: Config, texts: Sequence[str]) -> Tokenizer:
    """The tokenizer the options describe; `texts` are the normalised ones of training. Raises what it cannot use."""
    return build_tokenizer(config.text, texts)


def read_training_data(config: Config, say: Callable[[str], None]) -> TrainingData:
    """Both manifests, tokenized as the options say. Raises ManifestError, VocabularyError, ConfigError."""
    normalize = Normalizer(config.text)
    train = _within_bounds(read_manifest(config.data.train), config, say)
    dev = read_manifest(config.data.dev)
    texts = [normalize(u.text) for u in train]
    if not any(texts):
        raise ManifestError(
            f"{config.data.train}: no text holds a letter once normalised ({normalize.describe()}); "
            "expected transcripts; mend the texts or the text options"
        )
    tokenizer = make_tokenizer(config, texts)
    return TrainingData(
        train, encode_all(train, normalize, tokenizer), dev, encode_all(dev, normalize, tokenizer), tokenizer
    )


def _within_bounds(utterances: list[Utterance], config: Config, say: Callable[[str], None]) -> list[Utterance]:
    low, high = config.data.min_duration, config.data.max_duration
    kept = [u for u in utterances if low <= u.duration <= high]
    if len(kept) < len(utterances):
        say(
            f"{len(utterances) - len(kept)} of {len(utterances)} training utterances are outside {low:g} to "
            f"{high:g} s and left out"
        )
    if not kept:
        raise ManifestError(
            f"{config.data.train}: no utterance lasts {low:g} to {high:g} s; expected some; "
            "change data.min_duration or data.max_duration"
        )
    return kept


def fitting(system: System, data: TrainingData, say: Callable[[str], None]) -> TrainingData:
    """The training utterances whose targets fit into their frames; the others are an error, or dropped with a word."""
    needed = frames_needed(data.train_targets)
    fastest = max(system.config.perturb.speed, default=1.0)
    hurried = sum(need > frames_of(system, u, fastest) for need, u in zip(needed, data.train, strict=True))
    bad = [
        (
            i,
            f"utt {u.id}: {len(data.train_targets[i])} labels need at least {need} frames but the model yields "
            f"{frames}",
        )
        for i, (u, need) in enumerate(zip(data.train, needed, strict=True))
        if need > (frames := frames_of(system, u))
    ]
    if hurried > len(bad):
        say(f"{hurried - len(bad)} training utterances do not fit where perturb.speed draws its fastest; left out then")
    if not bad:
        return data
    if system.config.data.infeasible == "error" or len(bad) == len(data.train):
        raise ManifestError(
            f"{bad[0][1]}; expected room for every label; lower model.subsampling, or data.infeasible=drop leaves out "
            f"{len(bad)} of {len(data.train)} utterances"
        )
    for _, line in bad:
        say(f"{line}; left out")
    drop = {i for i, _ in bad}
    keep = [i for i in range(len(data.train)) if i not in drop]
    return TrainingData(
        [data.train[i] for i in keep], [data.train_targets[i] for i in keep], data.dev, data.dev_targets, data.tokenizer
    )


def frames_needed(targets: Sequence[Sequence[int]]) -> list[int]:
    """The fewest frames an alignment of each target needs."""
    return [int(required_frames(torch.tensor([t]).long(), torch.tensor([len(t)]))) for t in targets]


def frames_of(system: System, utterance: Utterance, speed: float = 1.0) -> int:
    """Logit frames of an utterance played `speed` times as fast."""
    return system.output_frames(round(utterance.duration / speed * system.config.features.sample_rate))


def data_digest(data: TrainingData) -> str:
    """A digest of what is learned from: another manifest under the same name has another."""
    rows = [(u.id, u.duration, t) for u, t in zip(data.train, data.train_targets, strict=True)]
    return hashlib.sha256(repr(rows).encode()).hexdigest()


def fit_features(system: System, data: TrainingData) -> None:
    """Measure the statistics of global normalisation, where asked for, on utterances all over the training manifest."""
    if system.config.features.normalize != "global":
        return
    dataset = SpeechDataset(data.train, data.train_targets, system.config.features.sample_rate)
    plan = ([(0, i)] for i in range(0, len(dataset), max(1, len(dataset) // _FIT_UTTERANCES)))
    system.features.fit_global((batch.waveforms, batch.waveform_lengths) for batch in load_batches(dataset, plan))


def build_trainer(
    system: System,
    data: TrainingData,
    run: Path,
    world: World,
    journal: Journal | None = None,
    advance: Callable[[float], None] = lambda progress: None,
) -> Trainer:
    """A trainer for the run; everything random in it is a function of config.seed."""
    config = system.config
    perturbation = Perturbation(config.perturb, config.features.sample_rate)
    dataset = SpeechDataset(
        data.train,
        data.train_targets,
        config.features.sample_rate,
        perturbation if perturbation.active else None,
        config.seed,
    )
    sampler = BatchSampler(
        dataset.durations,
        config.data.batch_seconds,
        sortagrad=config.data.sortagrad,
        seed=config.seed,
        rank=world.rank,
        world_size=world.size,
    )
    return Trainer(
        system.model,
        partial(_front_end, system, SpecAugment(config.augment)),
        sampler,
        lambda plan: load_batches(dataset, plan, config.data.workers, pin_memory=world.device.type == "cuda"),
        make_validation(system, data.dev, data.dev_targets),
        config.training,
        run=run,
        parts=system_parts(system) | {"data": data_digest(data)},
        world=world,
        sample_rate=config.features.sample_rate,
        objective=make_objective(config, len(system.tokenizer.tokens)).to(world.device),
        journal=journal,
        advance=advance,
    )


def _front_end(system: System, augment: SpecAugment, batch: Batch, epoch: int, view: int) -> tuple[Tensor, Tensor]:
    """Features of a training batch, warped and masked by (seed, epoch, utterance, view)."""
    more = (view,) if view else ()  # the only view there is draws as if views did not exist
    rngs = [seeding.generator(system.config.seed, epoch, index, _AUGMENT, *more) for index in batch.indices]
    options = system.config.augment
    with torch.no_grad():
        warps = draw_warps(options, rngs)
        features, lengths = system.features(batch.waveforms, batch.waveform_lengths, warps)
        features = warp_features(features, lengths, rngs, options.freq_warp, options.time_warp)
        return augment(features, lengths, rngs), lengths


def make_validation(
    system: System, dev: list[Utterance], targets: list[list[int]]
) -> Callable[[nn.Module], dict[str, Any]]:
    """A function model → {wer, cer (fractions), loss (nats per token), samples} on the validation utterances.

    `samples` are the transcripts of a few utterances spread over them: id, reference, hypothesis.
    """
    config = system.config
    dataset = SpeechDataset(dev, targets, config.features.sample_rate)
    sampler = BatchSampler(lambda epoch: [u.duration for u in dev], config.data.batch_seconds, sortagrad="always")
    references = [system.normalizer(u.text) for u in dev]
    shown = {len(dev) * i // _SAMPLES for i in range(_SAMPLES)} if dev else set()

    @torch.no_grad()
    def validate(model: nn.Module) -> dict[str, Any]:
        """WER, CER, loss and samples of `model`, which is left in evaluation mode."""
        samples = {}
        model.eval()
        words, characters, loss, tokens = ErrorCounts(0, 0, 0, 0), ErrorCounts(0, 0, 0, 0), 0.0, 0
        for batch in load_batches(dataset, sampler.plan(0, 0, 1)):
            batch = batch.to(system.device)
            logits, lengths = model(*system.features(batch.waveforms, batch.waveform_lengths))
            losses = ctc_loss(logits, batch.targets, lengths, batch.target_lengths)
            usable = torch.isfinite(losses)
            loss, tokens = loss + float(losses[usable].sum()), tokens + int(batch.target_lengths[usable].sum())
            for index, best in zip(batch.indices, system.decoder(log_probs(logits), lengths), strict=True):
                hypothesis = best[0].text(system.tokenizer.decode)
                words += word_errors(references[index], hypothesis)
                characters += character_errors(references[index], hypothesis)
                if index in shown:
                    samples[index] = {"id": dev[index].id, "reference": references[index], "hypothesis": hypothesis}
        ordered = [samples[index] for index in sorted(samples)]
        return {"wer": words.rate, "cer": characters.rate, "loss": loss / max(1, tokens), "samples": ordered}

    return validate
