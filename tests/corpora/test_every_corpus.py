"""What holds for every corpus: the same arguments give the same files, others replace them, nothing is half-made."""

import importlib.util
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from asr.corpora import CORPORA, prepare_corpus
from asr.data.manifest import read_manifest
from asr.errors import ManifestError

Sources = Callable[[str], dict[str, Any]]


@pytest.fixture
def arguments(request: pytest.FixtureRequest) -> Sources:
    """The arguments that prepare a small corpus of each name."""

    def of(name: str) -> dict[str, Any]:
        if name == "espeak":
            if importlib.util.find_spec("espeakng_loader") is None:
                pytest.skip("the extra 'synth' is not installed")
            return {"text": request.getfixturevalue("sentence_file"), "voices": 2, "hours": 0.005}
        if name == "digits":
            source = request.getfixturevalue("spoken_digits")
            return {"source": source, "train": 6, "dev": 3, "test": 4, "test_speaker": "eve"}
        fixture = {
            "librispeech": "librispeech_tree",
            "commonvoice": "commonvoice_locale",
            "folder": "own_folder",
            "manifest": "nemo_manifest",
        }
        return {"source": request.getfixturevalue(fixture[name])}

    return of


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", CORPORA)
def test_same_arguments_same_files(name: str, arguments: Sources, tmp_path: Path) -> None:
    manifests = prepare_corpus(name, tmp_path / "a", seed=3, **arguments(name))
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "a").rglob("*")}
    assert prepare_corpus(name, tmp_path / "a", seed=3, **arguments(name)) == manifests
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "a").rglob("*")} == before
    prepare_corpus(name, tmp_path / "b", seed=3, **arguments(name))
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


@pytest.mark.parametrize("name", CORPORA)
def test_manifests_hold_disjoint_readable_utterances(name: str, arguments: Sources, tmp_path: Path) -> None:
    from asr.audio.io import probe

    manifests = prepare_corpus(name, tmp_path, **arguments(name))
    assert list(manifests) == ["train", "dev", "test"]
    ids: set[str] = set()
    for split, path in manifests.items():
        assert path == tmp_path / f"{split}.jsonl"
        utterances = read_manifest(path)
        for utterance in utterances:
            assert utterance.text
            assert utterance.duration == pytest.approx(probe(utterance.audio).duration, abs=0.06)
        assert not ids & {utterance.id for utterance in utterances}
        ids |= {utterance.id for utterance in utterances}


def test_other_arguments_replace_the_files(arguments: Sources, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    prepare_corpus("digits", tmp_path, **arguments("digits"))
    fewer = arguments("digits") | {"train": 2}
    prepare_corpus("digits", tmp_path, **fewer)
    assert len(read_manifest(tmp_path / "train.jsonl")) == 2
    assert len(list((tmp_path / "audio" / "train").iterdir())) == 2
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_a_changed_source_is_prepared_again(tmp_path: Path, tone: Callable[..., Path]) -> None:
    for i in range(3):
        tone(tmp_path / "in" / f"{i}.wav").with_suffix(".txt").write_text(f"text {i}")
    prepare_corpus("folder", tmp_path / "out", source=tmp_path / "in")
    tone(tmp_path / "in" / "3.wav").with_suffix(".txt").write_text("text 3")
    manifests = prepare_corpus("folder", tmp_path / "out", source=tmp_path / "in")
    assert sum(len(read_manifest(path)) for path in manifests.values()) == 4


def test_an_interrupted_preparation_leaves_no_corpus(arguments: Sources, tmp_path: Path) -> None:
    def interrupted(items: Iterable[Any], title: str, total: int) -> Iterable[Any]:
        yield next(iter(items))
        raise KeyboardInterrupt

    prepare_corpus("digits", tmp_path, seed=1, **arguments("digits"))
    with pytest.raises(KeyboardInterrupt):
        prepare_corpus("digits", tmp_path, seed=2, progress=interrupted, **arguments("digits"))
    assert not list(tmp_path.glob("*.json*"))
    prepare_corpus("digits", tmp_path, seed=2, **arguments("digits"))
    prepare_corpus("digits", tmp_path / "whole", seed=2, **arguments("digits"))
    whole = contents(tmp_path / "whole")
    assert {name: bytes_ for name, bytes_ in contents(tmp_path).items() if not name.startswith("whole")} == whole


def test_seeds_differ(arguments: Sources, tmp_path: Path) -> None:
    for name in ("digits", "folder"):
        for seed in (1, 2):
            prepare_corpus(name, tmp_path / f"{name}{seed}", seed=seed, **arguments(name))
        one, two = ((tmp_path / f"{name}{seed}" / "test.jsonl").read_text() for seed in (1, 2))
        assert one != two


def test_unknown_names_and_options_are_named(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"no corpus 'digit'; expected .*; did you mean 'digits'\?"):
        prepare_corpus("digit", tmp_path)
    with pytest.raises(ManifestError, match=r"prepare folder: no option --test-speaker; expected --source, --seed"):
        prepare_corpus("folder", tmp_path, test_speaker="george")
    with pytest.raises(ManifestError, match=r"prepare manifest: no source; .*; pass --source PATH"):
        prepare_corpus("manifest", tmp_path)
    with pytest.raises(ManifestError, match=r"--sample-rate is -1; expected more than 0"):
        prepare_corpus("espeak", tmp_path, sample_rate=-1)
    for hours in (float("nan"), float("inf"), 0.0):
        with pytest.raises(ManifestError, match=rf"--hours is {hours}; expected more than 0"):
            prepare_corpus("espeak", tmp_path, hours=hours)
    with pytest.raises(ManifestError, match=r"--seed is -1; expected 0 or more"):
        prepare_corpus("folder", tmp_path, source=tmp_path, seed=-1)
    with pytest.raises(ManifestError, match=r"no such file or folder"):
        prepare_corpus("folder", tmp_path, source=tmp_path / "nowhere")


@pytest.mark.parametrize(
    "content",
    ["{", "{}", "[]", '{"splits": 3, "arguments": {}, "audio": false}', '{"splits": [3], "arguments": {}, "audio": 1}'],
)
def test_a_broken_marker_is_an_error(content: str, arguments: Sources, tmp_path: Path) -> None:
    (tmp_path / "prepared.json").write_text(content)
    with pytest.raises(ManifestError, match=r"prepared\.json: cannot be read"):
        prepare_corpus("digits", tmp_path, **arguments("digits"))


def test_the_marker_holds_the_arguments(arguments: Sources, tmp_path: Path) -> None:
    prepare_corpus("digits", tmp_path, seed=5, **arguments("digits"))
    marker = json.loads((tmp_path / "prepared.json").read_text())
    assert marker["arguments"]["seed"] == 5 and marker["arguments"]["test_speaker"] == "eve"
