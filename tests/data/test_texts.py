"""Texts of manifests and of text files."""

from pathlib import Path

import pytest

from asr.data.manifest import write_manifest
from asr.data.texts import read_texts
from asr.errors import ManifestError
from asr.types import Utterance


def test_manifests_and_lines_in_order(tmp_path: Path) -> None:
    write_manifest(tmp_path / "a.jsonl", [Utterance("u", tmp_path / "u.wav", 1.0, "one two")])
    (tmp_path / "b.txt").write_bytes("\ufeffthree\nfour\n".encode())
    assert read_texts([tmp_path / "b.txt", tmp_path / "a.jsonl"]) == ["three", "four", "one two"]


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"none: cannot be read \(No such file.*; expected a manifest .jsonl or"):
        read_texts([tmp_path / "none"])
    (tmp_path / "latin").write_bytes(b"\xe9")
    with pytest.raises(ManifestError, match=r"latin: cannot be read \(not UTF-8\)"):
        read_texts([tmp_path / "latin"])
