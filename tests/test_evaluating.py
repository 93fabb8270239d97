"""Which utterances an evaluation takes."""

from pathlib import Path

import pytest

from asr.data.manifest import write_manifest
from asr.errors import ManifestError
from asr.evaluating import utterances_of
from asr.types import Utterance


def _written(path: Path, **splits: str | None) -> Path:
    extras = {id: {"split": split} if split else {} for id, split in splits.items()}
    write_manifest(path, [Utterance(id, path.parent / f"{id}.wav", 1.0, "x", extra=e) for id, e in extras.items()])
    return path


def _taken(manifest: Path, split: str | None) -> list[str]:
    return [utterance.id for utterance in utterances_of(manifest, split)[1]]


def test_a_split_of_a_file_is_its_lines(tmp_path: Path) -> None:
    path = _written(tmp_path / "all.jsonl", a="test", b="dev", c="test", d=None)
    assert _taken(path, None) == ["a", "b", "c", "d"] and _taken(path, "test") == ["a", "c"]
    with pytest.raises(ManifestError, match=r"no utterance of split 'train'; expected one of .*dev, test"):
        _taken(path, "train")


def test_a_file_without_splits_is_no_split_but_its_own(tmp_path: Path) -> None:
    path = _written(tmp_path / "dev.jsonl", a=None, b=None)
    assert _taken(path, None) == _taken(path, "dev") == _taken(tmp_path, "dev") == ["a", "b"]
    with pytest.raises(ManifestError, match=r"dev\.jsonl: no line says its split; expected a 'split' of 'test'"):
        _taken(path, "test")
