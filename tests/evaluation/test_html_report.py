"""What report.html says: the numbers of summary.json, safely, in a file of reasonable size."""

import base64
import json
import re
import warnings
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from asr.audio.io import probe, read_audio, write_wav
from asr.evaluation import sounds
from asr.evaluation.breakdown import by_any, by_name, by_number
from asr.evaluation.confusions import confusions
from asr.evaluation.errors import align_words
from asr.evaluation.html_report import Background, calibration, suspects, write_page
from asr.evaluation.results import Result, write_results
from asr.evaluation.sounds import Sound, clips, noise_ratios
from asr.evaluation.utterance_picture import draw_utterance

RATE = 8000
NASTY = "</script><script>alert(1)</script>"


def _sound(seconds: float = 1.0, noise: float = 0.01) -> np.ndarray:
    draw, steps = np.random.default_rng(0), np.arange(round(seconds * RATE)) / RATE
    speech = 0.3 * np.sin(2 * np.pi * 300 * steps) * (steps % 0.4 < 0.2)
    return (speech + noise * draw.standard_normal(len(steps))).astype(np.float32)


def _evaluation(folder: Path, count: int = 30, rated: bool = False) -> dict[str, Sound]:
    results, sounds = [], {}
    for i in range(count):
        said = "turn the light on please" if i % 3 else "set an alarm"
        heard = said.replace("the", "a").replace("please", NASTY if i == 1 else "") if i % 2 else said
        path = folder / "audio" / f"u {i:02d}ü.wav"
        write_wav(path, _sound(1 + i / 20), RATE)
        sounds[f"u{i:02d}"] = Sound(path, 1 + i / 20)
        sure = [0.95 if word in said.split() else 0.55 for word in heard.split()] if rated else None
        results.append(
            Result.of(
                id=f"u{i:02d}", audio=path, reference=said, hypothesis=heard, duration=1 + i / 20, speaker=f"s{i % 6}",
                confidences=sure,
            )
        )  # fmt: skip
    write_results(folder, results, seconds=2.0, normalisation="NFKC, lower case", decoder="greedy")
    return sounds


def _data(page: str, name: str) -> Any:
    found = re.search(rf'<script type="application/json" id="{name}">(.*?)</script>', page, re.S)
    assert found is not None
    return json.loads(found[1])


def _said(page: str, name: str) -> str:
    found = re.search(rf'id="{name}">([^<]*)<', page)
    assert found is not None, name
    return found[1]


def test_every_number_is_that_of_the_summary(tmp_path: Path) -> None:
    sounds = _evaluation(tmp_path)
    page = write_page(tmp_path, Background(sounds)).read_text()
    summary = json.loads((tmp_path / "summary.json").read_text())
    for name in ("substitutions", "deletions", "insertions"):
        assert _said(page, name) == str(summary[name])
    assert _said(page, "wer") == f"{100 * summary['wer']:.2f} %"
    assert _said(page, "cer") == f"{100 * summary['cer']:.2f} %"
    assert _said(page, "ser") == f"{100 * summary['wrong_utterances'] / summary['utterances']:.2f} %"
    assert _said(page, "words") == str(summary["reference_words"])
    assert _said(page, "rtfx") == str(summary["rtfx"])
    assert (_said(page, "normalisation"), _said(page, "decoder")) == ("NFKC, lower case", "greedy")
    for name, value in summary.items():
        assert isinstance(value, dict) or f'data-summary="{name}">{value}<' in page
    found = summary["intervals"]
    for rate in ("wer", "cer"):
        for over in ("utterances", "speakers"):
            low, high = found[rate][over]
            assert _said(page, f"{rate}_{over}") == f"[{100 * low:.2f}, {100 * high:.2f}]"
    assert _said(page, "level") == f"{100 * found['level']:g} %" and _said(page, "resamples") == str(found["resamples"])
    table = _data(page, "table")
    assert sum(sum(row[3:6]) for row in table) == sum(summary[n] for n in ("substitutions", "deletions", "insertions"))
    assert sum(row[6] for row in table) == summary["reference_words"]
    assert sum(row[7] for row in table) == summary["character_errors"]
    assert _said(page, "errors") == str(sum(sum(row[3:6]) for row in table))


def test_no_text_ends_the_script_and_nothing_is_fetched(tmp_path: Path) -> None:
    sounds = _evaluation(tmp_path)
    fields = {id: {"room": NASTY} for id in sounds} | {"u00": {"room": "b"}, "u01": {"room": "b"}}
    page = write_page(tmp_path, Background(sounds, fields)).read_text()
    assert "<script>alert" not in page and "\\u003c/script>" in page and "&lt;/script&gt;" in page
    assert not re.search(r'(?:src|href)="(?!data:)', page) and "url(" not in page and "@import" not in page
    assert "http" not in page.replace("http-equiv", "")


def test_alignments_spell_both_texts(tmp_path: Path) -> None:
    _evaluation(tmp_path)
    rows = [json.loads(line) for line in (tmp_path / "results.jsonl").read_text().splitlines()]
    for row, line in zip(rows, _data(write_page(tmp_path).read_text(), "table"), strict=True):
        for side, name in enumerate(("reference", "hypothesis")):
            words = [part if isinstance(part, str) else part[side] for part in line[9]]
            assert " ".join(word for word in words if word) == " ".join(row[name].split())


def test_the_likeliest_label_errors_come_first() -> None:
    counts = {"deletions": 0, "insertions": 0}
    sure = {"id": "a", "substitutions": 1, "confidences": [["x", 0.99, False], ["y", 0.9, True]], **counts}
    unsure = {"id": "b", "substitutions": 2, "confidences": [["x", 0.2, False], ["y", 0.3, False]], **counts}
    right = {"id": "c", "substitutions": 0, "confidences": [["x", 1.0, True]], **counts}
    assert [row["id"] for row in suspects([right, unsure, sure])] == ["a", "b"]
    many = {"id": "d", "substitutions": 12, "confidences": [["x", 0.1, False]] * 12, **counts}
    missing = {"id": "e", "substitutions": 0, "confidences": [["x", 1.0, True]], "deletions": 3, "insertions": 0}
    surer = {"id": "f", "substitutions": 2, "confidences": [["x", 0.5, False], ["y", 0.99, False]], **counts}
    found = suspects([missing, many, unsure, sure, surer])
    assert [row["id"] for row in found] == ["f", "a", "b", "d", "e"]
    plain = [{k: v for k, v in row.items() if k != "confidences"} for row in (right, sure, unsure)]
    assert [row["id"] for row in suspects(plain)] == ["b", "a"]


def test_confidences_are_shown_where_there_are_some(tmp_path: Path) -> None:
    _evaluation(tmp_path)
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert "Calibration" not in write_page(tmp_path).read_text() and calibration(summary) == []
    _evaluation(tmp_path, rated=True)
    summary = json.loads((tmp_path / "summary.json").read_text())
    page = write_page(tmp_path).read_text()
    assert _said(page, "ece") == f"{summary['confidence']['ece']:.4f}"
    assert "Confident but wrong" in page and page.count("<circle") == 2
    found = calibration(summary)
    assert [b["confidence"] for b in found] == [0.55, 0.95] and [b["right"] for b in found] == [0.0, 1.0]
    assert sum(b["words"] for b in found) == summary["confidence"]["words"]


def test_clips_are_embedded_while_there_is_room_and_linked_then(tmp_path: Path) -> None:
    write_wav(tmp_path / "a" / "x é#.wav", _sound(2.0), RATE)
    whole, part = Sound(tmp_path / "a" / "x é#.wav", 2.0), Sound(tmp_path / "a" / "x é#.wav", 0.5, 1.0)
    found = clips([("w", whole), ("p", part), ("gone", Sound(tmp_path / "none.wav", 1.0))], tmp_path / "out", 10**6)
    head, content = found["w"].split(",")
    assert head == "data:audio/wav;base64" and base64.b64decode(content) == whole.audio.read_bytes()
    (tmp_path / "p.wav").write_bytes(base64.b64decode(found["p"].split(",")[1]))
    with wave.open(str(tmp_path / "p.wav")) as clip:
        assert clip.getnframes() / clip.getframerate() == pytest.approx(0.5, abs=1e-3)
    assert found["gone"] == "../none.wav#t=0.000,1.000"
    linked = clips([("w", whole), ("p", part)], tmp_path / "out", 0)
    assert linked == {"w": "../a/x%20%C3%A9%23.wav#t=0.000,2.000", "p": "../a/x%20%C3%A9%23.wav#t=1.000,1.500"}


@pytest.mark.parametrize("suffix", ["wav", "mp3"])
def test_the_beginning_of_a_file_is_no_whole_file(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"hour.{suffix}"
    soundfile.write(path, _sound(30.0), RATE)
    beginning, whole = Sound(path, 10.0), Sound(path, 30.0)
    found = clips([("beginning", beginning), ("whole", whole)], tmp_path, 10**7)
    (tmp_path / "clip.wav").write_bytes(base64.b64decode(found["beginning"].split(",")[1]))
    assert probe(tmp_path / "clip.wav").duration == pytest.approx(10.0, abs=0.01)
    assert base64.b64decode(found["whole"].split(",")[1]) == path.read_bytes()
    assert clips([("beginning", beginning)], tmp_path, 0) == {"beginning": f"hour.{suffix}#t=0.000,10.000"}


def test_what_will_not_fit_is_not_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_wav(tmp_path / "long.wav", _sound(20.0), RATE)
    decoded: list[float] = []

    def read(path: Path, rate: int, offset: float, duration: float) -> tuple[np.ndarray, int]:
        decoded.append(offset)
        return read_audio(path, rate, offset, duration)

    monkeypatch.setattr(sounds, "read_audio", read)
    parts = [(f"p{i}", Sound(tmp_path / "long.wav", 1.0, float(i))) for i in range(20)]
    one = len(clips(parts[:1], tmp_path, 10**6)["p0"])
    found = clips(parts, tmp_path, 3 * one + 100)
    assert decoded == [0.0, 0.0, 1.0, 2.0]
    assert [name for name, address in found.items() if address.startswith("data:")] == ["p0", "p1", "p2"]


def test_noise_is_measured_where_there_are_pauses(tmp_path: Path) -> None:
    for noise in (0.003, 0.03):
        write_wav(tmp_path / f"{noise}.wav", _sound(3.0, noise), RATE)
    paths = [tmp_path / "0.003.wav", tmp_path / "0.03.wav", tmp_path / "none.wav"]
    clean, noisy, none = noise_ratios([Sound(path, 3.0) for path in paths])
    truth = 10 * np.log10(0.045 / 0.003**2)
    assert clean == pytest.approx(truth, abs=2.5) and noisy == pytest.approx(truth - 20, abs=2.5) and none is None


def test_parts_add_up(tmp_path: Path) -> None:
    _evaluation(tmp_path)
    rows = [json.loads(line) for line in (tmp_path / "results.jsonl").read_text().splitlines()]
    for found in (
        by_name("speaker", rows, [row["speaker"] for row in rows]),
        by_number("duration", rows, [row["duration"] for row in rows]),
        by_any("number", rows, [i * 1.5 for i in range(30)]),
        by_any("word", rows, ["x", None] * 15),
    ):
        assert found is not None and found.hidden == 0
        assert sum(part.utterances for part in found.parts) == 30
        assert sum(part.errors for part in found.parts) == sum(
            row["substitutions"] + row["deletions"] + row["insertions"] for row in rows
        )
    assert by_name("id", rows, [row["id"] for row in rows]) is None and by_number("one", rows, [1.0] * 30) is None
    assert by_any("nothing", rows, [None] * 30) is None
    assert by_number("nothing", rows, [None, float("nan")] * 15) is None
    assert by_any("text", rows, [f"text {i // 2 if i < 4 else i}" for i in range(30)]) is None


def _rows(count: int) -> list[dict[str, Any]]:
    return [{"substitutions": 1, "deletions": 0, "insertions": 0, "reference_words": 4} for _ in range(count)]


def _labels(found: Any) -> list[tuple[str, int]]:
    assert found is not None
    return [(part.label, part.utterances) for part in found.parts]


def test_skewed_numbers_are_parted_too() -> None:
    half = by_number("words", _rows(100), [1] * 50 + [2] * 50, ".0f")
    assert _labels(half) == [("1", 50), ("2", 50)]
    five = by_number("words", _rows(100), [1] * 90 + [2] * 4 + [3] * 3 + [4] * 2 + [5], ".0f")
    assert _labels(five) == [("1", 90), ("2", 4), ("3", 3), ("4", 2), ("5", 1)]
    many = by_number("words", _rows(100), [1] * 85 + [2 + i % 8 for i in range(15)], ".0f")
    assert _labels(many) == [("1", 85), ("2 – 9", 15)]
    even = by_number("s", _rows(100), [i / 10 for i in range(100)])
    assert _labels(even) == [(f"{i}.0 – {i + 1}.9", 20) for i in range(0, 10, 2)]


def test_what_is_not_known_is_a_part() -> None:
    assert _labels(by_number("noise", _rows(40), [1.0, None] * 20)) == [("1.0", 20), ("(unknown)", 20)]
    some = _labels(by_any("age", _rows(40), [*range(20), *[None] * 20]))
    assert some == [*((f"{i} – {i + 3}", 4) for i in range(0, 20, 4)), ("(unknown)", 20)]


def test_many_speakers_and_few_utterances() -> None:
    many = by_name("speaker", _rows(2010), [f"s{i % 201}" for i in range(2010)])
    assert many is not None and (len(many.parts), many.hidden) == (40, 161)
    few = by_name("speaker", _rows(4), ["a", "b", "c", "c"])
    assert few is not None and sorted(_labels(few)) == [("a", 1), ("b", 1), ("c", 2)]


def test_the_page_shows_the_parts(tmp_path: Path) -> None:
    """Speakers whose errors are of one kind each, so that no column can stand for another."""
    said = "turn the light on"
    heard = {"sub": "turn a light on", "del": "turn light", "ins": "turn the light on now then too", "right": said}
    results = [
        Result.of(id=f"{name}{i}", audio="x", reference=said, hypothesis=text, duration=1.0, speaker=name)
        for name, text in heard.items()
        for i in range(6)
    ]
    write_results(tmp_path, results, seconds=1.0, normalisation="none", decoder="greedy")
    rows = [json.loads(line) for line in (tmp_path / "results.jsonl").read_text().splitlines()]
    parts = by_name("Speaker", rows, [row["speaker"] for row in rows])
    page = write_page(tmp_path).read_text()
    assert parts is not None
    shown = re.findall(r'<tr><td class="part">(.*?)</tr>', page.split("<h3>Speaker</h3>")[1].split("</tbody>")[0])
    wanted = [
        ("ins", "0 0 18 75.00 % 100.0"), ("del", "0 12 0 50.00 % 66.7"), ("sub", "6 0 0 25.00 % 33.3"),
        ("right", "0 0 0 0.00 %"),
    ]  # fmt: skip
    for row, part, expected in zip(shown, parts.parts, wanted, strict=True):
        cells = [re.sub("<.*?>", "", cell) for cell in row.split("</td><td")]
        bar = re.findall(r'class="bar" style="width:(.*?)%"', row)
        numbers = [cell.removeprefix(' class="n">') for cell in cells]
        assert part.interval is not None
        assert numbers[:3] == [expected[0], "6", "24"] and " ".join([*numbers[3:7], *bar]) == expected[1]
        assert numbers[7] == f"[{100 * part.interval.low:.2f}, {100 * part.interval.high:.2f}]"


def test_confusions() -> None:
    pairs = [align_words("the cat sat on", "a cat sad"), align_words("the dog", "the the dog")]
    found = confusions(pairs)
    assert found.substituted == [("sat → sad", 1), ("the → a", 1)]
    assert found.deleted == [("on", 1)] and found.inserted == [("the", 1)]
    assert ("t → d", 1) in found.characters


def test_a_picture_is_a_png() -> None:
    emissions = np.log(np.full((40, 3), 1 / 3))
    found = draw_utterance(_sound(), RATE, emissions, 0.025, ("", " ", "a"), [("a", 0.1, 0.4)])
    assert base64.b64decode(found.removeprefix("data:image/png;base64,")).startswith(b"\x89PNG")


@pytest.mark.parametrize("word", ["$_$ab", "$x^$", "\\frac{", "你好", "a_b^c", "\u202e", "😀"])
def test_no_word_spoils_a_picture(word: str) -> None:
    emissions = np.log(np.full((40, 3), 1 / 3))
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # as for glyphs the font lacks
        assert draw_utterance(_sound(), RATE, emissions, 0.025, ("", word, "a"), [(word, 0.1, 0.4)])


@pytest.mark.parametrize("count", [0, 1])
def test_hardly_anything(tmp_path: Path, count: int) -> None:
    _evaluation(tmp_path, count)
    page = write_page(tmp_path).read_text()
    assert _said(page, "utterances") == str(count) and _said(page, "wer") == "0.00 %"


def test_published_corpus_in_size(shared_data: Path, tmp_path: Path) -> None:
    folder = shared_data / "wer_fixture"
    said, heard = (
        dict(line.split("\t") for line in (folder / name).read_text().splitlines())
        for name in ("ref.test-clean.tsv", "hyp.test-clean.rnnt_baseline.tsv")
    )
    results = [
        Result.of(
            id=id, audio="x.flac", reference=said[id], hypothesis=heard[id], duration=len(said[id]) / 14,
            speaker=id.split("-")[0],
        )
        for id in said
    ]  # fmt: skip
    write_results(tmp_path, results, seconds=100.0, normalisation="lower case", decoder="none")
    path = write_page(tmp_path)
    assert path.stat().st_size < 15e6
    assert [_said(path.read_text(), n) for n in ("wer", "substitutions", "deletions", "insertions")] == [
        "3.65 %", "1501", "225", "195",
    ]  # fmt: skip
