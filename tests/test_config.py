"""Configurations: read strictly, overridden, dumped back equal; every mistake one line with its place."""

from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from asr.config import (
    Config,
    config_from_tree,
    dump_config,
    dump_decoding,
    read_config,
    read_decoding,
    to_tree,
    write_config,
)
from asr.decoding.options import DecodingOptions
from asr.errors import ConfigError
from asr.models.deepspeech2 import DeepSpeech2Options
from asr.models.quartznet import QuartzNetOptions
from asr.training.options import CrCtcOptions, CtcOptions, LabelPriorOptions

LEAST = "data:\n  train: a.jsonl\n  dev: b.jsonl\n"
CONFIGS = sorted((Path(__file__).parents[1] / "configs").glob("*.yaml"))


@pytest.fixture
def read(tmp_path: Path):
    """A function text, overrides → Config, of a file called run.yaml."""

    def parse(text: str, *overrides: str) -> Config:
        (tmp_path / "run.yaml").write_text(text, encoding="utf-8")
        return read_config(tmp_path / "run.yaml", overrides)

    return parse


@pytest.fixture
def mistake(read, tmp_path: Path):
    """A function text, overrides → the message, with `run.yaml` for the file's path."""

    def message(text: str, *overrides: str) -> str:
        with pytest.raises(ConfigError) as caught:
            read(text, *overrides)
        said = str(caught.value)
        assert "\n" not in said
        return said.replace(str(tmp_path / "run.yaml"), "run.yaml")

    return message


def test_what_is_not_said_is_default(read) -> None:
    config = read(LEAST)
    assert config.name == "run" and config.data.train == Path("a.jsonl")
    assert config.model == DeepSpeech2Options() and config.training.epochs >= 1
    assert read("name: other\n" + LEAST).name == "other"


def test_numbers_and_words_as_people_write_them(read) -> None:
    config = read(LEAST + "  sortagrad: off\ntraining:\n  lr: 3e-4\n  weight_decay: 1E-2\n  clip: 4\n  anneal: 1.\n")
    assert config.data.sortagrad == "off"
    assert config.training.lr == 3e-4 and config.training.weight_decay == 0.01
    assert config.training.clip == 4.0 and isinstance(config.training.clip, float) and config.training.anneal == 1.0
    assert read(LEAST + "perturb: {speed: [0.9, 1, 1.1]}\n").perturb.speed == [0.9, 1.0, 1.1]
    assert read(LEAST + "text: {replace: {no: yes, é: e}}\n").text.replace == {"no": "yes", "é": "e"}
    assert read(LEAST + "model: {bidirectional: false}\n").model.bidirectional is False


def test_overrides(read) -> None:
    text = LEAST + "model:\n  hidden_size: 10\n"
    config = read(
        text, "training.lr=2e-3", "model.hidden_size=20", "data.sortagrad=always", "name=x", "data.train=c d.jsonl"
    )
    assert config.training.lr == 2e-3 and config.model.hidden_size == 20 and config.name == "x"
    assert config.data.sortagrad == "always" and config.data.train == Path("c d.jsonl")
    assert read(text, "perturb.speed=[0.9, 1.1]").perturb.speed == [0.9, 1.1]
    assert read(text, "training.minutes=3", "training.minutes=null").training.minutes is None
    assert read("training: {epochs: 3}", "data.train=a", "data.dev=b", "training.epochs=4").training.epochs == 4


def test_the_kind_chooses_the_model(read) -> None:
    assert read(LEAST, "model.kind=quartznet", "model.blocks=2").model == QuartzNetOptions(blocks=2)
    assert read(LEAST + "model: {kind: quartznet, width: 8}\n").model == QuartzNetOptions(width=8)


def test_the_kind_chooses_the_loss(read) -> None:
    assert read(LEAST).loss == CtcOptions()
    assert read(LEAST, "loss.kind=cr_ctc").loss == CrCtcOptions(alpha=0.2)
    assert read(LEAST + "loss: {kind: label_prior, prior: blank}\n").loss == LabelPriorOptions(prior="blank")
    assert "loss" not in dump_config(read(LEAST, "loss.kind=ctc"), whole=False)


MISTAKES = {
    "unknown key": (
        LEAST + "model:\n  hiden_size: 3\n",
        "run.yaml:5: model.hiden_size: unknown key; did you mean 'hidden_size'?",
    ),
    "unknown group": (
        LEAST + "trainning: {epochs: 3}\n",
        "run.yaml:4: trainning: unknown key; did you mean 'training'?",
    ),
    "nothing near": (
        LEAST + "data2: 1\nzzzzzzzz: 1\n",
        "run.yaml:4: data2: unknown key; did you mean 'data'? (1 more)",
    ),
    "bent cepstra": (
        LEAST + "features: {kind: mfcc}\naugment:\n  freq_warp: 2\n",
        "run.yaml:5: augment: freq_warp is 2; expected 0 with features.kind mfcc, which have no axis of frequency; "
        "use logmel",
    ),
    "key of the other model": (
        LEAST + "model:\n  kind: quartznet\n  hidden_size: 3\n",
        "run.yaml:6: model.hidden_size: unknown key; expected one of",
    ),
    "key of another loss": (
        LEAST + "loss:\n  kind: cr_ctc\n  scale: 0.3\n",
        "run.yaml:6: loss.scale: unknown key; expected one of alpha, kind; mend or drop it",
    ),
    "key of a loss that is not said": (
        LEAST + "loss:\n  alpha: 0.3\n",
        "run.yaml:5: loss.alpha: unknown key; expected one of kind; mend or drop it",
    ),
    "nearly a key of the loss": (
        LEAST + "loss:\n  kind: label_prior\n  scal: 0.3\n",
        "run.yaml:6: loss.scal: unknown key; did you mean 'scale'?",
    ),
    "no such loss": (
        LEAST + "loss: {kind: focal}\n",
        "run.yaml:4: loss.kind is 'focal'; expected 'ctc', 'label_prior', 'cr_ctc'; mend the value",
    ),
    "a loss out of range": (
        LEAST + "loss:\n  kind: label_prior\n  decay: 1.0\n",
        "run.yaml:6: loss.decay is 1.0; expected less than 1; mend the value",
    ),
    "a word for the loss": (LEAST + "loss: cr_ctc\n", "run.yaml:4: loss is 'cr_ctc'; expected a group of keys"),
    "wrong type": (
        LEAST + "training:\n\n  epochs: many\n",
        "run.yaml:6: training.epochs is 'many'; expected a valid integer",
    ),
    "a float for an integer": (
        LEAST + "training:\n  epochs: 3.0\n",
        "run.yaml:5: training.epochs is 3.0; expected a valid integer",
    ),
    "a string for a float": (
        LEAST + "training:\n  lr: '1e-3'\n",
        "run.yaml:5: training.lr is '1e-3'; expected a valid number",
    ),
    "out of range": (LEAST + "training:\n  lr: 0\n", "run.yaml:5: training.lr is 0; expected greater than 0"),
    "infinite": (LEAST + "training:\n  lr: .inf\n", "run.yaml:5: training.lr is inf; expected a finite number"),
    "no such choice": (
        LEAST + "  sortagrad: of\n",
        "run.yaml:4: data.sortagrad is 'of'; expected 'off', 'first_epoch' or 'always'",
    ),
    "no such model": (
        LEAST + "model:\n  kind: wav2vec\n",
        "run.yaml:5: model.kind is 'wav2vec'; expected 'deepspeech2'",
    ),
    "a number for a group": (LEAST + "training: 3\n", "run.yaml:4: training is 3; expected"),
    "a number for the model": (LEAST + "model: 3\n", "run.yaml:4: model is 3; expected a group of keys"),
    "a group for a number": (LEAST + "seed: {a: 1}\n", "run.yaml:4: seed is a group of keys; expected"),
    "a group's own rule": (
        LEAST + "perturb:\n  speed: [3.0]\n",
        "run.yaml:5: perturb.speed: speed is 3; expected factors",
    ),
    "repeated key": (LEAST + "training:\n  lr: 1.0\n  lr: 2.0\n", "run.yaml:6: training.lr stands at line 5 too"),
    "missing key": ("data:\n  train: a.jsonl\n", "run.yaml:1: data.dev is missing; expected a value; add it"),
    "missing group": ("seed: 1\n", "run.yaml: data is missing; expected a value; add it"),
    "empty file": ("", "run.yaml: data is missing"),
    "bad YAML": (LEAST + "training: [1\n", "run.yaml:5: not YAML ("),
    "a tab": (LEAST + "training:\n\tlr: 1\n", "run.yaml:5: not YAML ("),
    "a list": ("- 1\n", "run.yaml:1: a list; expected `key: value` lines"),
    "two documents": (LEAST + "---\nseed: 1\n", "run.yaml:4: not YAML ("),
    "a control character": ("seed: \x07\n", "run.yaml:1: not YAML ("),
    "a tag": ("seed: !!int x\n", "run.yaml:1: not YAML ("),
    "code": ("seed: !!python/object/apply:os.system [true]\n", "run.yaml:1: not YAML ("),
    "a loop": ("data: &d {a: *d}\n", "run.yaml:1: not YAML ("),
    "a list for a key": (LEAST + "[a]: 4\n", "run.yaml:4: the key"),
    "a number for a key": (LEAST + "3: 4\n", "run.yaml:4: the key 3 is not text; expected a word; quote it"),
    "a bad name": (LEAST + "name: ../x\n", "run.yaml:4: name is '../x'; expected"),
    "a name of dots": (LEAST + "name: ..\n", "run.yaml:4: name is '..'; expected"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_names_its_line(mistake, name: str) -> None:
    text, said = MISTAKES[name]
    assert mistake(text).startswith(said)


OVERRIDES = {
    "training.lr": "training.lr: not an override; expected key.sub=value",
    ".lr=3": ".lr=3: not an override",
    "training.lrr=3": "training.lrr=3: training.lrr: unknown key; did you mean 'lr'?",
    "training.lr=fast": "training.lr=fast: training.lr is 'fast'; expected a valid number",
    "training.epochs=1e1": "training.epochs=1e1: training.epochs is 10.0; expected a valid integer",
    "model.kind=lstm": "model.kind=lstm: model.kind is 'lstm'; expected",
    "data=[1": "data=[1:1: not YAML",
    "seed=": "seed=: seed is ''; expected a valid integer",
    "nothing.at.all=1": "nothing.at.all=1: nothing: unknown key",
}


@pytest.mark.parametrize("override", OVERRIDES)
def test_a_mistake_in_an_override_names_the_override(mistake, override: str) -> None:
    assert mistake(LEAST, override).startswith(OVERRIDES[override])


def test_a_mistake_in_the_file_is_not_blamed_on_an_override(mistake) -> None:
    assert mistake(LEAST + "training:\n  epochs: x\n", "training.lr=3e-4").startswith("run.yaml:5: training.epochs")
    assert mistake(LEAST + "training:\n  epochs: x\n", "training.epochs=y").startswith("training.epochs=y: ")


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.yaml: no such file; expected a YAML"):
        read_config(tmp_path / "none.yaml")
    with pytest.raises(ConfigError, match="cannot be read"):
        read_config(tmp_path)
    (tmp_path / "latin.yaml").write_bytes(b"name: \xe9\n")
    with pytest.raises(ConfigError, match=r"cannot be read.*UTF-8"):
        read_config(tmp_path / "latin.yaml")


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.name)
def test_every_configuration_of_the_project_reads(path: Path) -> None:
    config = read_config(path)
    assert config.name == path.stem
    # a file holds differences only: nothing in it may say what is so anyway
    said = yaml.safe_load(dump_config(config, whole=False))
    assert leaves(yaml.safe_load(path.read_text())) - {("model", "kind")} <= leaves(said) | {("name",)}


def leaves(tree: object, at: tuple = ()) -> set[tuple]:
    """The dotted places of a tree's values."""
    if not isinstance(tree, dict):
        return {at}
    return {leaf for key, value in tree.items() for leaf in leaves(value, (*at, key))}


WORD = st.text(min_size=1, max_size=8)
TREES = st.fixed_dictionaries(
    {
        "name": st.from_regex(r"[a-z0-9][a-z0-9_.-]{0,8}", fullmatch=True),
        "data": st.fixed_dictionaries(
            {"train": st.just("a b.jsonl"), "dev": st.sampled_from(["off", "1e3", "é", "3"])}
        ),
    },
    optional={
        "seed": st.integers(0, 2**40),
        "threads": st.none() | st.integers(1, 64),
        "text": st.fixed_dictionaries({"replace": st.dictionaries(WORD, st.text(max_size=5), max_size=4)}),
        "training": st.fixed_dictionaries(
            {"lr": st.floats(1e-12, 1e3), "schedule": st.sampled_from(["onecycle", "cosine"])},
            optional={"minutes": st.none() | st.floats(1e-3, 1e9), "epochs": st.integers(1, 10**9)},
        ),
        "perturb": st.fixed_dictionaries(
            {
                "speed": st.lists(st.floats(0.5, 2.0), max_size=3),
                "gain_db": st.just([-3.0, 3.0]),
                "noise": st.just("no"),
            }
        ),
        "loss": st.sampled_from(
            [{}, {"kind": "ctc"}, {"kind": "cr_ctc"}, {"kind": "cr_ctc", "alpha": 0.1}, {"kind": "label_prior"}]
        ),
        "model": st.sampled_from(
            [
                {},
                {"kind": "quartznet"},
                {"kind": "quartznet", "width": 8},
                {"kind": "deepspeech2", "cell": "gru"},
                {"dropout": 0.5},
            ]
        ),
    },
)


@given(TREES, st.booleans())
@settings(max_examples=150, deadline=None)
def test_what_is_dumped_reads_back_equal(tmp_path_factory: pytest.TempPathFactory, tree: dict, whole: bool) -> None:
    config = config_from_tree(tree)
    path = tmp_path_factory.getbasetemp() / "dumped.yaml"
    path.write_text(dump_config(config, whole=whole), encoding="utf-8")
    assert read_config(path) == config
    assert config_from_tree(to_tree(config, whole=whole)) == config


def test_write_config_writes_the_whole(read, tmp_path: Path) -> None:
    config = read(LEAST, "training.lr=1e-5")
    write_config(tmp_path / "out" / "config.yaml", config)
    assert read_config(tmp_path / "out" / "config.yaml") == config
    assert "batch_seconds" in (tmp_path / "out" / "config.yaml").read_text()
    assert dump_config(config, whole=False).count("\n") <= 6


@pytest.mark.parametrize("kind", ["phoneme", "triphone"])
def test_units_of_sound_need_a_lexicon(mistake, kind: str) -> None:
    said = mistake(LEAST + f"text:\n  tokenizer: {kind}\n")
    assert said.startswith(f"run.yaml:4: text: tokenizer {kind} has no lexicon; expected text.lexicon=FILE")
    assert "`asr lexicon` makes one" in said
    assert "has no lexicon" in mistake(LEAST, f"text.tokenizer={kind}")


def test_a_configuration_from_before_units_could_be_chosen_reads() -> None:
    tree = {"name": "old", "data": {"train": "a", "dev": "b"}, "text": {"unicode": "NFKC", "case": "lower"}}
    assert config_from_tree(tree).text.tokenizer == "characters"


# ── decoding files ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_decoding_options_come_back_from_their_file(tmp_path: Path) -> None:
    options = DecodingOptions(kind="beam", lm=Path("a b/3.arpa.gz"), alpha=0.85, beta=-0.5, hotwords=["no: 1"])
    path = tmp_path / "decoding.yaml"
    path.write_text("# of a run\n" + dump_decoding(options, ("insertion",)))
    tree = read_decoding(path)
    assert DecodingOptions.model_validate(tree) == options
    assert "insertion" in tree and "nbest" not in tree, "what is default is left out, unless it was to be said"


@pytest.mark.parametrize(
    "text, message",
    [
        ("decoding:\n  alpha: 0.5\n  aplha: 1\n", r"d\.yaml:3: decoding\.aplha: unknown key; did you mean 'alpha'\?"),
        ("decoding:\n  beta: 1\n  alpha: -1\n", r"d\.yaml:3: decoding\.alpha is -1; expected greater than or equal"),
        ("name: x\ndecoding:\n  alpha: 1\n", r"d\.yaml:1: name: does not belong here; expected `decoding:`"),
        ("decoding: beam\n", r"d\.yaml: holds no decoding options"),
        ("", r"d\.yaml: holds no decoding options"),
        ("decoding:\n  kind: [\n", r"d\.yaml:3: not YAML"),
        ("decoding:\n  alpha: 1\n  alpha: 2\n", r"d\.yaml:3: decoding\.alpha stands at line 2 too"),
    ],
)
def test_mistakes_in_a_decoding_file_are_one_line(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "d.yaml").write_text(text)
    with pytest.raises(ConfigError, match=message) as error:
        read_decoding(tmp_path / "d.yaml")
    assert "\n" not in str(error.value)


def test_no_decoding_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"absent\.yaml: no such file; expected what `asr tune` writes"):
        read_decoding(tmp_path / "absent.yaml")
