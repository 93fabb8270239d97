"""What is kept on disk: found again, not after a change, and whole after a crash."""

import os
from pathlib import Path
from typing import Any

import pytest

from asr.data.kept import Kept


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "ä.wav").write_bytes(b"one")
    return tmp_path / "ä.wav"


def kept(tmp_path: Path) -> Kept[tuple[int, ...]]:
    return Kept(tmp_path / "deep" / "k.jsonl", list, tuple)


def test_what_was_put_is_got_by_the_next(tmp_path: Path, file: Path) -> None:
    first = kept(tmp_path)
    assert first.get(file, [0.5, 1.0]) is None
    first.put(file, [0.5, 1.0], (1, 2))
    assert kept(tmp_path).get(file, [0.5, 1.0]) == (1, 2), "on disk before it is closed"
    first.close(finished=False)
    assert kept(tmp_path).get(file, [0.5, 1.0]) == (1, 2)
    assert kept(tmp_path).get(file, [0.5, 2.0]) is None


def test_a_file_that_changed_is_not_known(tmp_path: Path, file: Path) -> None:
    first = kept(tmp_path)
    first.put(file, 1, (1,))
    first.close(True)
    file.write_bytes(b"two longer")
    assert kept(tmp_path).get(file, 1) is None
    file.write_bytes(b"one")
    os.utime(file, ns=(1, 1))
    assert kept(tmp_path).get(file, 1) is None
    file.unlink()
    assert kept(tmp_path).get(file, 1) is None
    kept(tmp_path).put(file, 1, (1,))  # gone while it was read


@pytest.mark.parametrize("tail", [b'{"version": 2, "key"', b"[1]\n", b"\xff\xfe", b"7\n", b'{"version": 2}\n'])
def test_a_line_cut_off_costs_only_itself(tmp_path: Path, file: Path, tail: bytes) -> None:
    first = kept(tmp_path)
    first.put(file, 1, (1,))
    first.close(finished=False)
    place = tmp_path / "deep" / "k.jsonl"
    place.write_bytes(place.read_bytes() + tail)
    again = kept(tmp_path)
    again.put(file, 2, (2,))
    again.close(finished=False)
    assert [kept(tmp_path).get(file, question) for question in (1, 2)] == [(1,), (2,)]


def test_finishing_drops_what_files_that_changed_had(tmp_path: Path, file: Path) -> None:
    other = tmp_path / "b.wav"
    other.write_bytes(b"b")
    first = kept(tmp_path)
    for question in (1, 2):
        first.put(file, question, (question,))
    first.put(other, 1, (3,))
    first.close(finished=True)
    other.write_bytes(b"changed")
    second = kept(tmp_path)
    assert second.get(file, 2) == (2,)
    second.close(finished=True)
    assert [kept(tmp_path).get(file, question) for question in (1, 2)] == [(1,), (2,)], "another manifest's too"
    assert len((tmp_path / "deep" / "k.jsonl").read_text().splitlines()) == 2


def test_finishing_beside_another_loses_nothing(tmp_path: Path, file: Path) -> None:
    """Each is of a process of its own; both keep adding while the other closes."""
    gone = tmp_path / "gone.wav"
    gone.write_bytes(b"b")
    first, second = kept(tmp_path), kept(tmp_path)
    first.put(gone, 0, (0,))
    gone.unlink()
    second.put(file, 1, (1,))
    first.put(file, 2, (2,))
    first.close(finished=True)
    second.put(file, 3, (3,))
    second.close(finished=True)
    third = kept(tmp_path)
    assert [third.get(file, question) for question in (1, 2, 3)] == [(1,), (2,), (3,)]
    assert len((tmp_path / "deep" / "k.jsonl").read_text().splitlines()) == 3, "the last one to close tidies up"


def test_what_cannot_be_unpacked_is_not_known(tmp_path: Path, file: Path) -> None:
    first = kept(tmp_path)
    first.put(file, 1, (1,))
    first.close(finished=True)
    place = tmp_path / "deep" / "k.jsonl"
    place.write_text(place.read_text().replace("[1]}", "7}"))
    again = kept(tmp_path)
    assert again.get(file, 1) is None
    again.put(file, 1, (2,))
    again.close(finished=True)
    assert kept(tmp_path).get(file, 1) == (2,)


def test_another_version_is_not_read(tmp_path: Path, file: Path) -> None:
    first = kept(tmp_path)
    first.put(file, 1, (1,))
    first.close(finished=True)
    place = tmp_path / "deep" / "k.jsonl"
    place.write_text(place.read_text().replace('"version": 2', '"version": 0'))
    assert kept(tmp_path).get(file, 1) is None


@pytest.mark.parametrize(
    "row",
    ['"key": ["a"], "found": [1]', '"key": {}, "found": [1]', '"key": 1, "found": [1]', '"found": [1]', "[" * 9999],
)
def test_rows_of_a_wrong_shape_are_not_there(tmp_path: Path, file: Path, row: str) -> None:
    first = kept(tmp_path)
    first.put(file, 1, (1,))
    first.close(finished=False)
    place = tmp_path / "deep" / "k.jsonl"
    version = place.read_text().split(",")[0]
    place.write_text(f"{version}, {row}}}\n" + place.read_text())
    again = kept(tmp_path)
    assert again.get(file, 1) == (1,)
    again.close(finished=True)
    assert len(place.read_text().splitlines()) == 1


@pytest.mark.parametrize("found", ["null", '"x"', "{}", "7", "[[]]"])
def test_what_unpacking_refuses_is_not_known(tmp_path: Path, file: Path, found: str) -> None:
    def unpack(packed: Any) -> tuple[int, ...]:
        return (packed[0].real, *packed[1:].copy())

    first = kept(tmp_path)
    first.put(file, 1, (1,))
    first.close(finished=False)
    place = tmp_path / "deep" / "k.jsonl"
    place.write_text(place.read_text().replace("[1]}", found + "}"))
    assert Kept(place, list, unpack).get(file, 1) is None
