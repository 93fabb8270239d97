"""The whole tree of options, read strictly from YAML, overridden by `a.b=c`, dumped back. The only door to yaml."""

import difflib
import re
from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import Discriminator, Field, Tag, ValidationError, ValidationInfo, field_validator

from asr.audio.perturb import PerturbOptions
from asr.data.options import DataOptions
from asr.decoding.options import DecodingOptions
from asr.errors import ConfigError
from asr.features.options import FeatureOptions
from asr.features.specaugment import AugmentOptions
from asr.files import write_text
from asr.models.deepspeech2 import DeepSpeech2Options
from asr.models.quartznet import QuartzNetOptions
from asr.options import Options
from asr.text.normalize import TextOptions
from asr.training.options import CrCtcOptions, CtcOptions, LabelPriorOptions, TrainingOptions


def _by_kind(default: str) -> Discriminator:
    """Chooses the options of a union by their `kind`, which is `default` where it is not said."""

    def kind(value: Any) -> Any:
        return value.get("kind", default) if isinstance(value, dict) else getattr(value, "kind", None)

    return Discriminator(kind)


ModelOptions = Annotated[
    Annotated[DeepSpeech2Options, Tag("deepspeech2")] | Annotated[QuartzNetOptions, Tag("quartznet")],
    _by_kind("deepspeech2"),
]
LossOptions = Annotated[
    Annotated[CtcOptions, Tag("ctc")]
    | Annotated[LabelPriorOptions, Tag("label_prior")]
    | Annotated[CrCtcOptions, Tag("cr_ctc")],
    _by_kind("ctc"),
]
_UNIONS: dict[str, dict[str, type[Options]]] = {  # where a kind says whose keys may stand
    "model": {"deepspeech2": DeepSpeech2Options, "quartznet": QuartzNetOptions},
    "loss": {"ctc": CtcOptions, "label_prior": LabelPriorOptions, "cr_ctc": CrCtcOptions},
}


class Config(Options):
    """A training run. A YAML file holds what differs from these defaults."""

    name: str = Field(pattern=r"^[\w-][\w.-]*$")  # the run's folder under runs/; the file's name unless given
    seed: int = Field(1, ge=0)
    device: str = Field("auto", pattern=r"^(auto|cpu|cuda(:\d+)?)$")
    threads: int | None = Field(None, ge=1)  # CPU threads; as many as there are cores unless given
    data: DataOptions
    text: TextOptions = TextOptions()
    features: FeatureOptions = FeatureOptions()
    perturb: PerturbOptions = PerturbOptions()
    augment: AugmentOptions = AugmentOptions()
    model: ModelOptions = DeepSpeech2Options()
    loss: LossOptions = CtcOptions()
    training: TrainingOptions = TrainingOptions()
    decoding: DecodingOptions = DecodingOptions()

    @field_validator("augment")
    @classmethod
    def _bends_frequency(cls, augment: AugmentOptions, info: ValidationInfo) -> AugmentOptions:
        features = info.data.get("features")
        if augment.freq_warp and features is not None and features.kind == "mfcc":
            raise ValueError(
                f"freq_warp is {augment.freq_warp:g}; expected 0 with features.kind mfcc, which have no axis of "
                "frequency; use logmel"
            )
        return augment


class Decoding(Options):
    """How a trained model decodes, in a file of its own."""

    decoding: DecodingOptions


Lines = dict[tuple[str, ...], int]


def read_config(path: Path | str, overrides: Sequence[str] = ()) -> Config:
    """The configuration in a YAML file, with overrides such as `training.lr=3e-4`.

    Raises ConfigError with file and line: missing file, bad YAML, unknown key (did you mean …?), wrong type or value.
    """
    path = Path(path)
    tree, lines = _parse(_read(path, "a YAML configuration; see configs/ for examples"), str(path))
    tree.setdefault("name", re.sub(r"[^\w.-]+", "-", path.stem))
    return config_from_tree(tree, overrides, str(path), lines)


def read_decoding(path: Path) -> dict[str, Any]:
    """The decoding options that a file names, as plain data: a configuration of `decoding:` alone.

    Paths in it are relative to where the program is run, as in any configuration. Raises ConfigError with file and
    line, as `read_config` does.
    """
    tree, lines = _parse(_read(path, "what `asr tune` writes; tune, or name another"), str(path))
    for key in tree:
        if key != "decoding":
            raise ConfigError(
                f"{path}:{lines[(key,)]}: {key}: does not belong here; expected `decoding:` and its options alone; "
                "drop it"
            )
    if not isinstance(tree.get("decoding"), dict):
        raise ConfigError(f"{path}: holds no decoding options; expected `decoding:` with some below it; add them")
    try:
        Decoding.model_validate(tree)
    except ValidationError as error:
        raise _explain(error, str(path), lines, {}) from None
    return dict(tree["decoding"])


def dump_decoding(options: DecodingOptions, always: Sequence[str] = ()) -> str:
    """The options as YAML that `read_decoding` reads: those that are not default, and those that are `always` said."""
    tree, default = options.model_dump(mode="json"), DecodingOptions().model_dump(mode="json")
    said = {key: value for key, value in tree.items() if key in always or value != default[key]}
    return yaml.dump({"decoding": said}, Dumper=_Dumper, sort_keys=False, allow_unicode=True)


def _read(path: Path, expected: str) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file; expected {expected}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read ({error}); expected UTF-8 text; check the file") from None


def config_from_tree(
    tree: dict[str, Any], overrides: Sequence[str] = (), where: str = "config", lines: Lines | None = None
) -> Config:
    """The configuration in plain data, with overrides. Raises ConfigError."""
    lines = lines or {}
    named = {key: where for key in lines}
    for override in overrides:
        keys = _apply(tree, override)
        named[keys], lines = override, {k: v for k, v in lines.items() if k != keys}
    try:
        return Config.model_validate(tree)
    except ValidationError as error:
        raise _explain(error, where, lines, named) from None


def dump_config(config: Config, *, whole: bool = True) -> str:
    """The configuration as YAML that reads back equal; `whole=False` leaves out what is default."""
    return yaml.dump(to_tree(config, whole=whole), Dumper=_Dumper, sort_keys=False, allow_unicode=True)


def to_tree(config: Config, *, whole: bool = True) -> dict[str, Any]:
    """The configuration as plain data; `config_from_tree` reads it back equal."""
    tree = config.model_dump(mode="json", exclude_defaults=not whole)
    for group in _UNIONS.keys() & tree.keys():  # the kind is what says whose defaults were left out
        tree[group] = {"kind": getattr(config, group).kind} | tree[group]
    return tree


def write_config(path: Path, config: Config) -> None:
    """Write the resolved configuration."""
    write_text(path, dump_config(config))


# ── YAML, strictly ────────────────────────────────────────────────────────────────────────────────────────────────────


class _Loader(yaml.SafeLoader):
    """YAML with the numbers and booleans people mean: 3e-4 is a float, `off` and `no` are words."""


_Loader.yaml_implicit_resolvers = {
    first: [
        (tag, pattern)
        for tag, pattern in resolvers
        if tag not in ("tag:yaml.org,2002:float", "tag:yaml.org,2002:bool", "tag:yaml.org,2002:timestamp")
    ]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_FLOAT = re.compile(
    r"^[-+]?(\d[\d_]*\.[\d_]*([eE][-+]?\d+)?|\.\d[\d_]*([eE][-+]?\d+)?|\d[\d_]*[eE][-+]?\d+|\.(inf|nan))$"
)
_Loader.add_implicit_resolver("tag:yaml.org,2002:float", _FLOAT, list("-+0123456789."))
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(true|false|True|False)$"), list("tTfF"))


class _Dumper(yaml.SafeDumper):
    """Writes what _Loader reads: strings that it would take for numbers are quoted."""


_Dumper.yaml_implicit_resolvers = _Loader.yaml_implicit_resolvers


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    """Unicode's own line ends are folded away unless they are escaped, which double quotes do."""
    style = '"' if any(end in text for end in "\x85\u2028\u2029") else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style)


_Dumper.add_representer(str, _text)


def _parse(text: str, where: str) -> tuple[dict[str, Any], Lines]:
    """Plain data and the line of each key."""
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        lines: Lines = {}
        if node is not None:
            _walk(node, (), lines, where)
        tree = loader.construct_document(node) if node is not None else {}
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        line, problem = _problem(error, text)
        raise ConfigError(f"{where}:{line}: not YAML ({problem}); expected `key: value` lines; mend the line") from None
    if not isinstance(tree, dict):
        raise ConfigError(f"{where}:1: a {type(tree).__name__}; expected `key: value` lines; see configs/ for examples")
    return tree, lines


def _problem(error: Exception, text: str) -> tuple[int, str]:
    """The line of a mistake in YAML, and what it is."""
    if isinstance(error, yaml.MarkedYAMLError):
        return (error.problem_mark.line + 1 if error.problem_mark else 1), str(error.problem)
    if isinstance(error, yaml.reader.ReaderError):
        return text[: error.position].count("\n") + 1, f"character {error.character:#x} is not allowed"
    return 1, "an alias within itself" if isinstance(error, RecursionError) else str(error).splitlines()[0]


def _walk(node: yaml.Node, keys: tuple[str, ...], lines: Lines, where: str) -> None:
    if not isinstance(node, yaml.MappingNode):
        return
    for key, value in node.value:
        here, line = (*keys, str(key.value)), key.start_mark.line + 1
        if key.tag not in ("tag:yaml.org,2002:str", "tag:yaml.org,2002:merge"):
            raise ConfigError(f"{where}:{line}: the key {'.'.join(here)} is not text; expected a word; quote it")
        if here in lines:
            raise ConfigError(
                f"{where}:{line}: {'.'.join(here)} stands at line {lines[here]} too; expected it once; drop one"
            )
        lines[here] = line
        _walk(value, here, lines, where)


def _apply(tree: dict[str, Any], override: str) -> tuple[str, ...]:
    """Set `a.b=c` in `tree`; → its keys."""
    name, equals, value = override.partition("=")
    keys = tuple(name.strip().split("."))
    if not equals or not all(keys):
        raise ConfigError(f"{override}: not an override; expected key.sub=value, such as training.lr=3e-4; mend it")
    parsed, _ = _parse(f"value: {value}" if value.strip() else "value: ''", override)
    for key in keys[:-1]:
        below = tree.get(key)
        tree[key] = dict(below) if isinstance(below, dict) else {}
        tree = tree[key]
    tree[keys[-1]] = parsed["value"]
    return keys


# ── errors in the user's words ────────────────────────────────────────────────────────────────────────────────────────


def _explain(error: ValidationError, where: str, lines: Lines, named: dict[tuple[str, ...], str]) -> ConfigError:
    """The first mistake, with its line and the nearest key there is."""
    mistakes = error.errors()
    first = next((m for m in mistakes if m["type"] == "extra_forbidden"), mistakes[0])
    keys = tuple(str(k) for k in first["loc"] if not isinstance(k, int))
    if keys and keys[0] in _UNIONS and len(keys) > 1:
        keys = (keys[0], *keys[2:])  # the union's tag is not a key
    if first["type"] == "union_tag_invalid":
        keys = (*keys, "kind")
    line = next((lines[keys[:n]] for n in range(len(keys), 0, -1) if keys[:n] in lines), None)
    override = next(
        (o for k, o in named.items() if o != where and (k[: len(keys)] == keys or keys[: len(k)] == k)), None
    )
    place = override or (f"{where}:{line}" if line else where)
    more = f" ({len(mistakes) - 1} more)" if len(mistakes) > 1 else ""
    return ConfigError(f"{place}: {_wish(first, keys)}{more}")


def _wish(mistake: Any, keys: tuple[str, ...]) -> str:
    """What is wrong with the value at `keys`, and what was expected."""
    dotted, kind = ".".join(keys), mistake["type"]
    if kind == "extra_forbidden":
        return f"{dotted}: unknown key; {_suggestion(mistake['loc'])}"
    if kind == "missing":
        return f"{dotted} is missing; expected a value; add it"
    if kind == "union_tag_invalid":
        return f"{dotted} is {mistake['ctx']['tag']!r}; expected {mistake['ctx']['expected_tags']}; mend the value"
    if kind == "union_tag_not_found":
        return f"{dotted} is {mistake['input']!r}; expected a group of keys; mend the value"
    message = (
        mistake["msg"].removeprefix("Value error, ").removeprefix("Input should be ").removeprefix("Input is not ")
    )
    if kind == "value_error":
        return f"{dotted}: {message}"
    got = "a group of keys" if isinstance(mistake["input"], dict) else repr(mistake["input"])
    return f"{dotted} is {got}; expected {message[0].lower() + message[1:]}; mend the value"


def _suggestion(loc: Sequence[Hashable]) -> str:
    known = sorted(_fields(loc[:-1]))
    near = difflib.get_close_matches(str(loc[-1]), known, n=1, cutoff=0.6)
    return f"did you mean {near[0]!r}?" if near else f"expected one of {', '.join(known)}; mend or drop it"


def _fields(loc: Sequence[Hashable]) -> set[str]:
    """The keys that may stand at `loc`."""
    options: type[Options] = Config
    above: Hashable = None
    for key in loc:
        kinds = _UNIONS.get(str(above), {})
        annotation = kinds.get(str(key)) or options.model_fields[str(key)].annotation
        if isinstance(annotation, type) and issubclass(annotation, Options):
            options = annotation
        above = key
    return set(options.model_fields)
