"""Connected digits: strings of three to seven real spoken digits, each string of one speaker.

The single digits are the Free Spoken Digit Dataset's (8 kHz, CC BY-SA 4.0). Its recordings 0–4 of every digit
and speaker are held out by its authors: here they make the dev strings, the others the training strings. The
test strings are made of everything one further speaker said, whom training never hears.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import product
from pathlib import Path

import numpy as np

from asr.audio.io import read_audio, write_wav
from asr.corpora.download import extract, fetch
from asr.corpora.prepared import AUDIO, Progress, begin, existing_folder, fingerprint, finish, quiet
from asr.data.manifest import read_manifest
from asr.errors import AudioError, ManifestError
from asr.seeding import generator
from asr.types import Utterance
from asr.world import cache_folder

URL = "https://codeload.github.com/Jakobovski/free-spoken-digit-dataset/tar.gz/26eb9aaf76e81b692f806f9140c2d2777410d7a1"
WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_NAME = re.compile(r"(?:^|-)(?P<digit>\d)_(?P<speaker>\w+?)_(?P<index>\d+)$")
_SPEAKERS, _TAKES = 6, 50  # of the whole dataset at that commit: 50 takes of every digit by each, 3000 files
_HELD_OUT = 5  # recordings with a lower index are the authors' own test set
_DIGITS = (3, 7)  # digits in a string, both ends included
_GAP = (0.05, 0.30)  # s of silence before, between and after digits
_RMS = 0.07  # level of every digit: about -23 dB below full scale, which leaves room for peaks
_SNR = (25.0, 45.0)  # dB of the white noise below the digits

Takes = dict[str, list[list[np.ndarray]]]  # speaker → digit → waveforms (S,) at one level


def prepare(
    out: Path,
    *,
    source: Path | None = None,
    seed: int = 0,
    test_speaker: str = "george",
    train: int = 1500,
    dev: int = 100,
    test: int = 200,
    sample_rate: int = 8000,
    progress: Progress = quiet,
) -> dict[str, Path]:
    """Make `train`, `dev` and `test` strings at `sample_rate` Hz in `out`; the manifests by split.

    `source` is the recordings folder of the dataset (files `digit_speaker_index.wav`), the folder around it,
    or a folder with a `manifest.jsonl` whose ids end that way; without it the dataset is downloaded. Raises
    ManifestError: no recordings there, the test speaker unknown or the only one, a digit some speaker never says.
    """
    if source is None:
        source = download(cache_folder() / "fsdd", progress)
    recordings = _recordings(source)
    arguments = {
        "corpus": "digits", "source": source, "contents": fingerprint(recordings), "seed": seed,
        "test_speaker": test_speaker, "strings": [train, dev, test], "sample_rate": sample_rate,
    }  # fmt: skip
    done = begin(out, arguments)
    if done is not None:
        return done
    takes = _takes(source, recordings, test_speaker, sample_rate)
    splits: dict[str, list[Utterance]] = {}
    for number, (split, count) in enumerate((("train", train), ("dev", dev), ("test", test))):
        strings = (_string(takes[split], generator(seed, number, i), sample_rate) for i in range(count))
        splits[split] = []
        for i, (speaker, text, waveform) in enumerate(progress(strings, split, count)):
            name = f"digits-{split}-{i:05d}"
            path = out / AUDIO / split / f"{name}.wav"
            write_wav(path, waveform, sample_rate)
            splits[split].append(Utterance(name, path, len(waveform) / sample_rate, text, speaker))
    return finish(out, arguments, splits)


def download(root: Path, progress: Progress = quiet, url: str = URL) -> Path:
    """Fetch and unpack the dataset (about 15 MB) in `root`; the folder with its recordings.

    The URL names a commit, but GitHub does not promise the archive's bytes, so there is no checksum but gzip's own;
    what is verified is that the dataset is complete and every recording can be read. Raises ManifestError: what
    fetch and extract find wrong, recordings missing, too many or unreadable.
    """

    def verify(unpacked: Path) -> None:
        try:
            _verify(unpacked)
        except (ManifestError, AudioError) as error:
            raise ManifestError(
                f"{url}: {error}; expected the whole dataset; remove {root} and download it again"
            ) from None

    return _folder(extract(fetch(url, root / "fsdd.tar.gz", progress=progress), root / "fsdd", verify))


def _folder(unpacked: Path) -> Path:
    folders = sorted(unpacked.glob("*/recordings"))
    if not folders:
        raise ManifestError(f"{unpacked}: no recordings folder")
    return folders[0]


def _verify(unpacked: Path) -> None:
    """Raises ManifestError or AudioError unless the dataset is there: every take of every digit, all readable."""
    counts = Counter((m["speaker"], int(m["digit"])) for m in _recordings(_folder(unpacked)).values())
    speakers = sorted({speaker for speaker, _ in counts})
    if len(speakers) != _SPEAKERS:
        raise ManifestError(f"{len(speakers)} speakers ({', '.join(speakers)}) and not {_SPEAKERS}")
    for speaker, (digit, word) in product(speakers, enumerate(WORDS)):
        if counts[speaker, digit] != _TAKES:
            raise ManifestError(f"{counts[speaker, digit]} recordings of {speaker} {word} and not {_TAKES}")
    for path in _recordings(_folder(unpacked)):
        read_audio(path)


def _recordings(source: Path) -> dict[Path, re.Match[str]]:
    """Path → parsed name of every recording in `source`."""
    existing_folder(source, "the recordings of the Free Spoken Digit Dataset")
    if (source / "manifest.jsonl").is_file():
        names = {utterance.audio: utterance.id for utterance in read_manifest(source / "manifest.jsonl")}
    else:
        folder = source / "recordings" if (source / "recordings").is_dir() else source
        names = {path: path.stem for path in sorted(folder.glob("*.wav"))}
    found = {path: match for path, name in names.items() if (match := _NAME.search(name))}
    if not found:
        raise ManifestError(
            f"{source}: no spoken digits; expected files like 7_jackson_12.wav or a manifest.jsonl; mend --source"
        )
    return found


def _takes(
    source: Path, recordings: dict[Path, re.Match[str]], test_speaker: str, sample_rate: int
) -> dict[str, Takes]:
    """The waveforms for each split, at one level and rate."""
    speakers = sorted({match["speaker"] for match in recordings.values()})
    if test_speaker not in speakers or len(speakers) < 2:
        raise ManifestError(
            f"{source}: test speaker {test_speaker!r} leaves no split; expected one of two or more speakers "
            f"({', '.join(speakers)}); set --test-speaker"
        )
    takes: dict[str, Takes] = {split: defaultdict(lambda: [[] for _ in WORDS]) for split in ("train", "dev", "test")}
    for path, match in recordings.items():
        split = "dev" if int(match["index"]) < _HELD_OUT else "train"
        if match["speaker"] == test_speaker:
            split = "test"
        waveform, _ = read_audio(path, sample_rate)
        takes[split][match["speaker"]][int(match["digit"])].append(_levelled(waveform))
    _check(source, takes)
    return takes


def _check(source: Path, takes: dict[str, Takes]) -> None:
    for split, by_speaker in takes.items():
        missing = [
            f"{speaker} {word}"
            for speaker, digits in by_speaker.items()
            for word, waveforms in zip(WORDS, digits, strict=True)
            if not waveforms
        ]
        if missing or not by_speaker:
            names = ", ".join(missing[:3]) or "any speaker"
            raise ManifestError(
                f"{source}: no {split} recording of {names}; expected every digit of every speaker, "
                "indices 0-4 for dev and others for train; fetch the whole dataset"
            )


def _levelled(waveform: np.ndarray) -> np.ndarray:
    rms = float(np.sqrt(np.mean(np.square(waveform, dtype=np.float64))))
    gain = min(_RMS / max(rms, 1e-6), 0.95 / max(float(np.abs(waveform).max()), 1e-6))
    return waveform * np.float32(gain)


def _string(takes: Takes, random: np.random.Generator, sample_rate: int) -> tuple[str, str, np.ndarray]:
    """Speaker, text and waveform (S,) of one string."""
    speaker = sorted(takes)[random.integers(len(takes))]
    digits = random.integers(len(WORDS), size=random.integers(_DIGITS[0], _DIGITS[1] + 1)).tolist()
    parts = [_silence(random, sample_rate)]
    for digit in digits:
        parts += [_pick(takes[speaker][digit], random), _silence(random, sample_rate)]
    waveform = np.concatenate(parts)
    noise = random.standard_normal(len(waveform), dtype=np.float32)
    waveform += noise * np.float32(_RMS * 10 ** (-random.uniform(*_SNR) / 20))
    return speaker, " ".join(WORDS[digit] for digit in digits), waveform


def _pick(waveforms: Sequence[np.ndarray], random: np.random.Generator) -> np.ndarray:
    return waveforms[int(random.integers(len(waveforms)))]


def _silence(random: np.random.Generator, sample_rate: int) -> np.ndarray:
    return np.zeros(round(random.uniform(*_GAP) * sample_rate), dtype=np.float32)
