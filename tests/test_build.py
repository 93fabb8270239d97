"""What the composition root makes of a configuration: data, validation, and what does not fit."""

from pathlib import Path

import pytest
import torch
from tones import tiny_tree, write_corpus
from units import KINDS, text_options

from asr.build import build_system, fitting, load_system, make_validation, read_training_data, system_parts
from asr.config import Config, config_from_tree
from asr.errors import ConfigError, ManifestError, VocabularyError
from asr.text.normalize import UNIT_OPTIONS
from asr.training import checkpoint

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    folder = tmp_path_factory.mktemp("corpus")
    write_corpus(folder, train=8, dev=4)
    tree = tiny_tree(folder)
    tree["model"]["dropout"] = 0.5
    return config_from_tree(tree)


def test_weights_depend_on_the_seed_alone(config: Config) -> None:
    data = read_training_data(config, print)
    torch.rand(7)
    first, second = (build_system(config, data.tokenizer, CPU).model.state_dict() for _ in range(2))
    other = build_system(config.model_copy(update={"seed": 2}), data.tokenizer, CPU).model.state_dict()
    assert all(torch.equal(first[k], second[k]) for k in first)
    assert not torch.equal(first["output.weight"], other["output.weight"])


def test_validation_has_no_dropout_and_no_batches(config: Config) -> None:
    """The same figures again, and whether utterances meet in one batch or stand alone; weights and buffers stay."""
    data = read_training_data(config, print)
    system = build_system(config, data.tokenizer, CPU)
    before = {k: v.clone() for k, v in system.model.state_dict().items()}
    system.model.train()
    together = make_validation(system, data.dev, data.dev_targets)
    first = together(system.model)
    system.model.train()
    assert together(system.model) == first
    parts = []
    for utterance, target in zip(data.dev, data.dev_targets, strict=True):
        parts.append((len(target), make_validation(system, [utterance], [target])(system.model)))
    tokens = sum(count for count, _ in parts)
    assert first["loss"] == pytest.approx(sum(n * part["loss"] for n, part in parts) / tokens, rel=1e-4)
    assert first["cer"] == pytest.approx(sum(n * part["cer"] for n, part in parts) / tokens)
    assert all(torch.equal(value, before[key]) for key, value in system.model.state_dict().items())


def test_durations_outside_the_bounds_are_left_out_and_counted(config: Config) -> None:
    said: list[str] = []
    durations = sorted(u.duration for u in read_training_data(config, print).train)
    bounded = config.model_copy(update={"data": config.data.model_copy(update={"max_duration": durations[4] + 1e-6})})
    assert len(read_training_data(bounded, said.append).train) == 5 and "3 of 8" in said[0]
    nothing = config.model_copy(update={"data": config.data.model_copy(update={"max_duration": 0.01})})
    with pytest.raises(ManifestError, match="no utterance lasts"):
        read_training_data(nothing, print)


def test_what_cannot_fit_is_an_error_or_left_out(config: Config) -> None:
    data = read_training_data(config, print)
    system = build_system(config, data.tokenizer, CPU)
    assert fitting(system, data, print) is data
    data.train_targets[2] = [1] * 60  # 119 frames with the blanks between them
    with pytest.raises(
        ManifestError, match=r"^utt train-2: 60 labels need at least 119 frames but the model yields \d+"
    ):
        fitting(system, data, print)
    dropping = config.model_copy(update={"data": config.data.model_copy(update={"infeasible": "drop"})})
    said: list[str] = []
    kept = fitting(build_system(dropping, data.tokenizer, CPU), data, said.append)
    assert [u.id for u in kept.train] == [f"train-{i}" for i in (0, 1, 3, 4, 5, 6, 7)] and len(said) == 1
    assert len(kept.train_targets) == 7 and kept.dev == data.dev


def test_dev_text_outside_the_alphabet_names_its_utterance(config: Config) -> None:
    content = config.data.dev.read_text()
    config.data.dev.write_text(content.replace('"ab"', '"é"', 1))
    try:
        with pytest.raises(VocabularyError, match=r"^utt dev-0: 'é'"):
            read_training_data(config, print)
    finally:
        config.data.dev.write_text(content)


# ── units ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(params=KINDS)
def spelt(request: pytest.FixtureRequest, config: Config, tmp_path: Path) -> Config:
    """The configuration with each kind of units."""
    texts = [u.text for u in read_training_data(config, print).train]
    return config.model_copy(update={"text": text_options(request.param, texts, tmp_path)})


def test_every_kind_of_units_trains_and_is_scored_in_words(spelt: Config) -> None:
    """A model that emits exactly the targets has no word and no character wrong, whatever the targets are made of."""
    data = read_training_data(spelt, print)
    system = build_system(spelt, data.tokenizer, CPU)
    assert fitting(system, data, print).train_targets == data.train_targets
    for utterance, target in zip(data.dev, data.dev_targets, strict=True):
        metrics = make_validation(system, [utterance], [target])(Says(target, len(data.tokenizer.tokens)))
        assert metrics["wer"] == metrics["cer"] == 0 and metrics["loss"] < 1e-4


class Says(torch.nn.Module):
    """Emits `target`, each token on a frame of its own and a blank after it, whatever it hears."""

    def __init__(self, target: list[int], tokens: int) -> None:
        super().__init__()
        path = torch.tensor([i for token in target for i in (token, 0)])
        self.logits = 20.0 * torch.nn.functional.one_hot(path, tokens)[None]

    def forward(self, features: torch.Tensor, lengths: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return self.logits, torch.tensor([self.logits.shape[1]])


def test_the_units_of_a_trained_model_stay(spelt: Config, tmp_path: Path) -> None:
    data = read_training_data(spelt, print)
    system = build_system(spelt, data.tokenizer, CPU)
    path = tmp_path / "model.pt"
    checkpoint.save(path, "model", {**system_parts(system), "model": system.model.state_dict()})
    if spelt.text.lexicon is not None:
        spelt.text.lexicon.unlink()  # what a model needs is inside it
    again = load_system(path, CPU, ["text.case=upper"])
    assert again.tokenizer.state() == data.tokenizer.state() and again.config.text.case == "upper"
    for override in ("text.tokenizer=characters", "text.lexicon=other", "text.vocabulary_size = 9"):
        with pytest.raises(ConfigError, match="cannot change the units of a trained model"):
            load_system(path, CPU, [override])


def test_a_model_from_before_units_could_be_chosen_loads(config: Config, tmp_path: Path) -> None:
    data = read_training_data(config, print)
    system = build_system(config, data.tokenizer, CPU)
    parts = system_parts(system)
    for key in UNIT_OPTIONS:
        del parts["config"]["text"][key]
    checkpoint.save(tmp_path / "model.pt", "model", {**parts, "model": system.model.state_dict()})
    assert load_system(tmp_path / "model.pt", CPU).config == config


def test_a_word_outside_the_lexicon_names_its_utterance(config: Config, tmp_path: Path) -> None:
    options = text_options("triphone", ["ab cd da"], tmp_path)  # bc is missing
    with pytest.raises(VocabularyError, match=r"^utt train-\d: 'bc' is not in the lexicon \(3 words\).*`asr lexicon`"):
        read_training_data(config.model_copy(update={"text": options}), print)
