"""`asr transcribe` from end to end: every format, recordings short and long, and mistakes as one line."""

import json
import re
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from tones import RATE, sound, tiny_tree, write_corpus
from verbs import Verb

from asr.audio.io import write_wav
from asr.config import config_from_tree
from asr.runs import run_training

SAID = {"a/short": "ab cd da", "long": "bc ab da cd ab " * 4 + "bc"}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder, with a short recording and a long one beside it in `mine`."""
    home = tmp_path_factory.mktemp("home")
    write_corpus(home, train=36, dev=8)
    tree = tiny_tree(home, epochs=6, lr=0.02, log_every=50, validate_every=3, average=2)
    assert run_training(config_from_tree(tree), home / "run", resume=False, say=lambda line: None)
    for name, text in SAID.items():
        write_wav(home / "mine" / f"{name}.wav", sound(text, seed=7), RATE)
    return home / "run"


@pytest.fixture
def transcribe(trained: Path, verb: Verb, monkeypatch: pytest.MonkeyPatch) -> Verb:
    """`asr transcribe RUN …` beside the recordings."""
    monkeypatch.chdir(trained.parent)
    return partial(verb, "transcribe", trained)


def _edges(text: str) -> list[tuple[float, float]]:
    """Where the words of a recording begin and end [s]: silence between words lasts 75 ms or more."""
    loud = np.flatnonzero(np.abs(sound(text, seed=7)) >= 0.05)
    gaps = np.flatnonzero(np.diff(loud) > 600)
    starts, ends = [loud[0], *loud[gaps + 1]], [*loud[gaps], loud[-1]]
    return [(start / RATE, end / RATE) for start, end in zip(starts, ends, strict=True)]


def _seconds(time: str) -> float:
    hours, minutes, seconds = time.replace(",", ".").split(":")
    return 3600 * int(hours) + 60 * int(minutes) + float(seconds)


def _cues(text: str) -> list[tuple[str, float, float]]:
    """The words of subtitles, each with the time of its cue."""
    found = re.findall(r"(\S+) --> (\S+)\n((?:.+\n)+)", text)
    return [(w, _seconds(start), _seconds(end)) for start, end, lines in found for w in lines.split()]


def _read(format: str, text: str) -> list[tuple[str, float, float]]:
    """The words of a file and when they are said [s]."""
    if format == "json":
        return [(w["word"], w["start"], w["end"]) for w in json.loads(text)["words"]]
    if format == "ctm":
        rows = [row.split() for row in text.splitlines()]
        return [(row[4], float(row[2]), float(row[2]) + float(row[3])) for row in rows]
    intervals = re.findall(r'xmin = (\S+)\s+xmax = (\S+)\s+text = "(.+)"', text)
    return [(word, float(start), float(end)) for start, end, word in intervals]


SUFFIXES = {"txt": "txt", "json": "json", "srt": "srt", "vtt": "vtt", "ctm": "ctm", "textgrid": "TextGrid"}


@pytest.mark.parametrize("chunk", [5, 30])
@pytest.mark.parametrize("format", SUFFIXES)
def test_every_format_holds_the_words_and_their_times(
    transcribe: Verb, tmp_path: Path, format: str, chunk: int
) -> None:
    code, out, err = transcribe("mine", "--format", format, "--out", tmp_path, "--chunk-seconds", chunk)
    assert code == 0 and "× real time" in err
    assert out.split() == [str(tmp_path / f"{name}.{SUFFIXES[format]}") for name in SAID]
    for path, text in zip(out.split(), SAID.values(), strict=True):
        written = Path(path).read_text(encoding="utf-8")
        if format == "txt":
            assert written == text + "\n"
        elif format in ("srt", "vtt"):
            assert written.startswith("WEBVTT\n" if format == "vtt" else "1\n00:00:00,")
            cues = _cues(written)
            assert [word for word, *_ in cues] == text.split()
            assert all(a - 0.15 <= s and e <= b + 0.15 for (_, a, b), (s, e) in zip(cues, _edges(text), strict=True))
        else:
            words = _read(format, written)
            assert [word for word, *_ in words] == text.split()
            # a CTC model says a letter anywhere within its tone of 120 ms
            assert [x for _, *at in words for x in at] == pytest.approx([x for e in _edges(text) for x in e], abs=0.15)


def test_on_the_terminal(transcribe: Verb) -> None:
    assert transcribe("mine")[1] == "".join(f"{name}\t{text}\n" for name, text in SAID.items())
    rows = [json.loads(row) for row in transcribe("mine", "--format", "json", "--chunk-seconds", 5)[1].splitlines()]
    assert [(row["id"], row["text"]) for row in rows] == list(SAID.items())
    assert all(0 < word["confidence"] <= 1 for row in rows for word in row["words"])
    lines = transcribe("mine", "--format", "ctm")[1].splitlines()
    assert [line.split()[0] for line in lines] == [name for name, text in SAID.items() for _ in text.split()]
    assert transcribe("mine/long.wav", "--format", "srt")[1].startswith("1\n00:00:00,")
    assert "WEBVTT" in transcribe("mine/long.wav", "--format", "vtt")[1]
    assert transcribe("mine/long.wav", "--format", "textgrid")[1].startswith('File type = "ooTextFile"\n')


def test_decoding_can_be_changed(transcribe: Verb) -> None:
    for more in (["--nbest", 3, "--format", "json"], ["--set", "decoding.kind=greedy", "--set", "decoding.nbest=2"]):
        code, out, _ = transcribe("mine/long.wav", *more)
        assert code == 0 and SAID["long"] in out and "alternatives" not in out, "greedy knows one text"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["mine", "--format", "srt"], "--format srt: is a file a recording, and there are 2; expected --out"),
        (["mine", "--format", "doc"], "--format doc: is unknown; expected one of txt, json, srt, vtt, ctm, textgrid"),
        (["mine", "--nbest", "2"], "--nbest 2: txt holds one text; expected --format json"),
        (["mine", "--chunk-seconds", "2"], "chunk seconds: are 2; expected >= 5; raise them"),
        (["mine", "--batch-seconds", "0"], "batch seconds: are 0; expected > 0"),
        (["mine", "--set", "model.layers=9"], "model.layers=9: cannot change a trained model"),
        (["mine", "--set", "decoding.knd=greedy"], "decoding.knd: unknown key"),
        (["gone.wav"], "gone.wav: no such file or folder"),
    ],
)
def test_mistakes_are_one_line(transcribe: Verb, arguments: list[str], said: str) -> None:
    code, out, err = transcribe(*arguments)
    assert (code, out) == (2, "") and err.startswith("error: ") and err.count("\n") == 1 and said in err


def test_unreadable_recordings_are_named_and_the_rest_goes_on(
    transcribe: Verb, trained: Path, tmp_path: Path
) -> None:
    whole = (trained.parent / "mine" / "long.wav").read_bytes()
    (tmp_path / "0.wav").write_bytes(b"no sound")
    (tmp_path / "1.wav").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "2.wav").write_bytes(whole)
    code, out, err = transcribe(tmp_path, "--chunk-seconds", 5)
    assert code == 2 and out == f"2\t{SAID['long']}\n"
    assert [line.split(": ")[1] for line in err.splitlines() if line.startswith("error: ")] == [
        str(tmp_path / "0.wav"), str(tmp_path / "1.wav")
    ]  # fmt: skip
