"""Strings of digits, told apart by ear: in the small source every digit is a tone of its own."""

import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from asr.corpora.digits import WORDS, download, prepare
from asr.data.manifest import read_manifest
from asr.errors import ManifestError


def heard(path: Path) -> tuple[list[str], list[float], list[float], int]:
    """The digits of a recording by the frequency of each sound, their levels (RMS), the gaps (s), the rate."""
    waveform, rate = soundfile.read(path)
    power = np.convolve(waveform**2, np.ones(rate // 100) / (rate // 100), mode="same")
    loud = np.concatenate([[False], power > 0.07**2 / 2, [False]])
    edges = np.flatnonzero(loud[1:] != loud[:-1]).reshape(-1, 2)
    words, levels = [], []
    for start, end in edges:
        middle = waveform[start + rate // 100 : end - rate // 100]
        spectrum = np.abs(np.fft.rfft(middle * np.hanning(len(middle)), 16 * rate // 10))
        hertz = np.argmax(spectrum) * rate / (16 * rate // 10)
        words.append(WORDS[round((hertz - 300) / 200)])
        levels.append(float(np.sqrt(np.mean(middle**2))))
    gaps = (edges[1:, 0] - edges[:-1, 1]) / rate
    return words, levels, gaps.tolist(), rate


@pytest.mark.parametrize("rate", [8000, 16000])
def test_what_is_heard_is_what_is_written(spoken_digits: Path, tmp_path: Path, rate: int) -> None:
    manifests = prepare(tmp_path, source=spoken_digits, test_speaker="eve", train=12, dev=4, test=6, sample_rate=rate)
    lengths, all_gaps = set(), []
    for path in manifests.values():
        for utterance in read_manifest(path):
            words, levels, gaps, found_rate = heard(utterance.audio)
            assert found_rate == rate
            assert words == utterance.text.split()
            assert np.allclose(levels, 0.07, rtol=0.05)
            assert 3 <= len(words) <= 7 and min(gaps) > 0.03 and max(gaps) < 0.32
            lengths.add(len(words))
            all_gaps += gaps
    assert len(lengths) >= 3 and np.ptp(all_gaps) > 0.15


def test_the_test_speaker_is_heard_in_test_only(spoken_digits: Path, tmp_path: Path) -> None:
    manifests = prepare(tmp_path, source=spoken_digits.parent, test_speaker="bob", train=12, dev=8, test=6)
    speakers = {split: {u.speaker for u in read_manifest(path)} for split, path in manifests.items()}
    assert speakers == {"train": {"ann", "eve"}, "dev": {"ann", "eve"}, "test": {"bob"}}
    assert {split: len(read_manifest(path)) for split, path in manifests.items()} == {
        "train": 12,
        "dev": 8,
        "test": 6,
    }


def test_dev_is_made_of_held_out_recordings(spoken_digits: Path, tmp_path: Path) -> None:
    """Recordings 0 last 0.15 s, 7 and 8 last 0.22 and 0.23 s: dev strings are made of the short ones alone."""
    manifests = prepare(tmp_path, source=spoken_digits, test_speaker="eve", train=6, dev=6, test=3)
    for split, seconds in (("train", (0.2, 0.25)), ("dev", (0.13, 0.17))):
        for utterance in read_manifest(manifests[split]):
            waveform, rate = soundfile.read(utterance.audio)
            loud = np.convolve(waveform**2, np.ones(80) / 80, mode="same") > 0.07**2 / 2
            spoken = loud.sum() / rate / len(utterance.text.split())
            assert seconds[0] < spoken < seconds[1]


def test_errors(spoken_digits: Path, tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"'joe' leaves no split; expected one of .*ann, bob, eve"):
        prepare(tmp_path / "out", source=spoken_digits, test_speaker="joe")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ManifestError, match="no spoken digits; expected files like"):
        prepare(tmp_path / "out", source=tmp_path / "empty")
    few = tmp_path / "few"
    few.mkdir()
    for path in spoken_digits.iterdir():
        if not path.name.startswith("4_ann_0"):
            (few / path.name).write_bytes(path.read_bytes())
    with pytest.raises(ManifestError, match="no dev recording of ann four"):
        prepare(tmp_path / "out", source=few, test_speaker="eve")
    assert not (tmp_path / "out" / "prepared.json").exists()


@pytest.fixture
def served(spoken_digits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Serve the spoken digits as the whole dataset, but for what `change` does to a copy; the URL."""
    monkeypatch.setattr("asr.corpora.digits._SPEAKERS", 3)
    monkeypatch.setattr("asr.corpora.digits._TAKES", 3)

    def serve(change: Callable[[Path], object] = lambda folder: None) -> str:
        shutil.copytree(spoken_digits, tmp_path / "copy")
        change(tmp_path / "copy")
        with tarfile.open(tmp_path / "served.tar.gz", "w:gz") as file:
            file.add(tmp_path / "copy", "dataset-26eb9aa/recordings")
        return (tmp_path / "served.tar.gz").as_uri()

    return serve


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        (lambda folder: (folder / "4_ann_7.wav").unlink(), "2 recordings of ann four and not 3"),
        (lambda folder: (folder / "4_ann_7.wav").rename(folder / "5_ann_1.wav"), "recordings of ann four and not 3"),
        (lambda folder: [p.unlink() for p in folder.glob("*bob*")], r"2 speakers \(ann, eve\) and not 3"),
        (lambda folder: (folder / "4_ann_7.wav").write_bytes(b"RIFF"), r"4_ann_7\.wav: cannot be read"),
    ],
)
def test_a_download_that_is_not_the_dataset_is_refused(
    served: Callable[..., str], tmp_path: Path, change: Callable[[Path], object], wrong: str
) -> None:
    url = served(change)
    for _ in range(2):  # trying again does not make it good
        with pytest.raises(ManifestError, match=wrong + r".*; remove .*cache and download it again"):
            download(tmp_path / "cache", url=url)
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["fsdd.tar.gz"]


def test_download_finds_the_recordings(served: Callable[..., str], spoken_digits: Path, tmp_path: Path) -> None:
    folder = download(tmp_path / "cache", url=served())
    assert {path.name for path in folder.iterdir()} == {path.name for path in spoken_digits.iterdir()}


def test_the_real_dataset(shared_data: Path, tmp_path: Path) -> None:
    manifests = prepare(tmp_path, source=shared_data / "fsdd_digits", train=20, dev=6, test=8)
    splits = {split: read_manifest(path) for split, path in manifests.items()}
    assert {u.speaker for u in splits["test"]} == {"george"}
    assert {u.speaker for u in splits["train"] + splits["dev"]} == {"jackson", "lucas", "nicolas"}
    mean = np.mean([u.duration for u in splits["train"]])
    assert 2.0 < mean < 5.0
