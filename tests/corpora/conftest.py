"""Small sources of every corpus, made of tones."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

Tone = Callable[..., Path]


@pytest.fixture(scope="session")
def tone() -> Tone:
    """Write a tone: tone(path, seconds, hertz, amplitude, rate)."""

    def write(path: Path, seconds: float = 0.2, hertz: float = 440.0, amplitude: float = 0.3, rate: int = 8000) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        time = np.arange(round(seconds * rate)) / rate
        soundfile.write(path, amplitude * np.sin(2 * np.pi * hertz * time), rate)
        return path

    return write


@pytest.fixture(scope="session")
def spoken_digits(tmp_path_factory: pytest.TempPathFactory, tone: Tone) -> Path:
    """Digits as FSDD names them, three speakers: digit d is a tone of 300 + 200 d Hz, speakers differ in level."""
    folder = tmp_path_factory.mktemp("fsdd") / "recordings"
    for level, speaker in ((0.05, "ann"), (0.3, "bob"), (0.6, "eve")):
        for digit in range(10):
            for index in (0, 7, 8):
                tone(folder / f"{digit}_{speaker}_{index}.wav", 0.15 + 0.01 * index, 300 + 200 * digit, level)
    return folder


@pytest.fixture(scope="session")
def librispeech_tree(tmp_path_factory: pytest.TempPathFactory, tone: Tone) -> Path:
    """A LibriSpeech folder with one chapter in each of three subsets."""
    root = tmp_path_factory.mktemp("libri") / "LibriSpeech"
    for subset, speaker in (("train-clean-100", "19"), ("dev-clean", "26"), ("test-clean", "61")):
        chapter = root / subset / speaker / "198"
        for number in range(3):
            tone(chapter / f"{speaker}-198-{number:04d}.flac", 0.2 + 0.1 * number, rate=16000)
        lines = [f"{speaker}-198-{number:04d} IT IS NUMBER {'ABC'[number]}\n" for number in range(3)]
        (chapter / f"{speaker}-198.trans.txt").write_text("".join(lines))
    return root


@pytest.fixture(scope="session")
def commonvoice_locale(tmp_path_factory: pytest.TempPathFactory, tone: Tone) -> Path:
    """A Common Voice locale: four training clips, two test clips, no dev.tsv."""
    root = tmp_path_factory.mktemp("cv") / "de"
    for split, count in (("train", 4), ("test", 2)):
        lines = ["client_id\tpath\tsentence\tup_votes"]
        for i in range(count):
            tone(root / "clips" / f"{split}_{i}.mp3", 0.5, rate=32000)
            lines.append(f'{split}-{i}\t{split}_{i}.mp3\tSie sagte: "Grün {i}\t2')
        (root / f"{split}.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return root


@pytest.fixture(scope="session")
def own_folder(tmp_path_factory: pytest.TempPathFactory, tone: Tone) -> Path:
    """Ten recordings with .txt beside them, in two folders, and one recording without."""
    root = tmp_path_factory.mktemp("own") / "recordings"
    for i in range(10):
        path = tone(root / "ab"[i % 2] / f"take{i}.{'wav' if i < 5 else 'flac'}", 0.1 * (i + 1))
        path.with_suffix(".txt").write_text(f"sentence\n number {i}\n")
    tone(root / "a" / "silent.wav")
    return root


@pytest.fixture(scope="session")
def nemo_manifest(tmp_path_factory: pytest.TempPathFactory, tone: Tone) -> Path:
    """A manifest as NeMo writes it, one line without a duration."""
    root = tmp_path_factory.mktemp("nemo")
    lines = []
    for i in range(6):
        tone(root / "wavs" / f"n{i}.wav", 0.5)
        duration = "" if i == 2 else '"duration": 0.5, '
        lines.append(f'{{"audio_filepath": "wavs/n{i}.wav", {duration}"text": "line {i}", "lang": "en"}}\n')
    path = root / "nemo.jsonl"
    path.write_text("".join(lines))
    return path


@pytest.fixture(scope="session")
def sentence_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirty sentences with one repeated in other case, one with digits, an empty line."""
    path = tmp_path_factory.mktemp("text") / "sentences.txt"
    animals = ("horse", "mouse", "goose")
    jobs = ("baker", "tailor", "farmer", "sailor", "miller", "painter", "teacher", "doctor", "hunter", "weaver")
    lines = [f"The {animal} belongs to the {job}." for animal in animals for job in jobs]
    path.write_text("\n".join([*lines, "", "the horse belongs to the BAKER", "There are 24 horses in town.", "Yes."]))
    return path
