"""The page about the data in a real browser: it sorts, filters and plays, asks for nothing, and holds harmless text."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browsing import Opened

from asr.audio.io import write_wav
from asr.evaluation.data_report import DataPage, Doubt, Line, write_data_page
from asr.evaluation.sounds import Sound

RATE = 8000
EVIL = "<b>x</b></script>"
ROW = {"id": 1, "speaker": 2, "s": 3, "gap": 11, "text": 12}


def content(folder: Path, count: int = 150, played: int = 4) -> DataPage:
    lines = []
    for i in range(count):
        path = folder / f"u{i}.wav"
        if i < played:
            write_wav(path, 0.1 * np.sin(np.arange(RATE) * 0.2), RATE)
        figures = {"seconds": 1 + i % 7, "words": 2.0, "rate": 5 + i % 11, "level": -20 - i / 10, "bandwidth": 4000.0}
        figures |= {"gap": 1.5 if i == 3 else 0.25} if i < 5 else {}
        notes = ["clipping"] if i % 10 == 0 else []
        name = "data/train.jsonl" if i % 3 else "data/test.jsonl"
        lines.append(Line(name, f"u{i}", f"s{i % 4}", f"text {i} {EVIL}", Sound(path, 1.0), figures, notes))
    splits = [
        {"name": name, "utterances": sum(x.manifest == name for x in lines), "hours": 0.5, "speakers": 4,
         "durations": (1.0, 2.0, 7.0)}
        for name in ("data/train.jsonl", "data/test.jsonl")
    ]  # fmt: skip
    return DataPage(
        manifests=splits,
        findings=[("error", "empty text", ["utt u1: empty"]), ("warning", "clipping", [f"utt {EVIL}"] * 60)],
        lines=lines,
        formats=[{"format": "wav", "rate": RATE, "channels": 1, "files": count, "hours": 0.1}],
        characters=[{"character": "é", "name": "E WITH ACUTE", "known": False, "example": "u1", "counts": [1, 2]}],
        coverage=[
            {"name": "data/test.jsonl", "words": 9, "different": 3, "outside": {"data/train.jsonl": 0.25, "LM": 0.5},
             "perplexity": 12.3, "unknown": ["a", EVIL]}
        ],
        overlaps=[
            {"first": "data/train.jsonl", "second": "data/test.jsonl", "speakers": 4, "texts": 0.5, "near_texts": 0.125,
             "recordings": 1, "near_recordings": 2}
        ],
        copies=[
            {"first": "u1", "first_manifest": "data/train.jsonl", "first_text": "one", "second": "u2",
             "second_manifest": "data/test.jsonl", "second_text": EVIL, "difference": 0.0625, "share": 1.0,
             "same_samples": False}
        ],
        texts=[("again", 3)],
        doubts=[Doubt("data/test.jsonl", "u3", 1.5, "one two", f"one {EVIL}")],
        facts={"read": "10 s"},
    )  # fmt: skip


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    write_data_page(content(folder), folder / "data.html")
    return folder / "data.html"


def column(opened: Opened, name: str) -> list[str]:
    return opened.page.locator(f"#rows tbody tr td:nth-child({ROW[name]})").all_text_contents()


def ids(opened: Opened) -> list[str]:
    return column(opened, "id")


def test_what_is_said(browser: Any, path: Path) -> None:
    opened = Opened(browser, path)
    text = opened.page.inner_text("main")
    assert opened.page.inner_text("#errors") == "1" and opened.page.inner_text("#warnings") == "60"
    assert opened.page.inner_text("#hours") == "1.00 h" and "… and 10 more" in opened.page.content()
    assert opened.page.locator("#overlaps tbody td").all_text_contents() == [
        "test.jsonl in train.jsonl", "4", "50.0 %", "12.5 %", "1", "2",
    ]  # fmt: skip
    assert opened.page.locator("#copies tbody td.n").all_text_contents() == ["6.2 %", "100.0 %"]
    assert "25.0 %" in opened.page.inner_text("#coverage") and "12.3" in opened.page.inner_text("#coverage")
    assert "not in train.jsonl" in opened.page.inner_text("#coverage")
    assert "outside the alphabet" in opened.page.inner_text("#characters")
    assert opened.page.locator("#doubts span.s ins").inner_text() == EVIL
    assert "where the spectrum ends, Hz: 4000" in text and "words: 2" in text
    assert opened.page.locator("figure svg").count() == 4, "duration, rate, level, gap; not what is constant or absent"
    assert not opened.complaints and not opened.foreign


def test_what_to_listen_to_comes_first(browser: Any, path: Path) -> None:
    opened = Opened(browser, path)
    assert ids(opened)[:3] == ["u3test.jsonl", "u0test.jsonl", "u10train.jsonl"]
    assert column(opened, "gap")[:3] == ["1.5", "0.25", ""] and column(opened, "text")[1].startswith("clipping")


def test_sorting_and_filtering(browser: Any, path: Path) -> None:
    opened = Opened(browser, path)
    opened.page.click("#rows th[data-key='3']")
    seconds = [float(s) for s in column(opened, "s")]
    assert seconds == sorted(seconds, reverse=True) and seconds[0] == 7
    opened.page.select_option("#kind", "=clipping")
    assert opened.page.inner_text("#count") == "15 of 150"
    opened.page.select_option("#kind", "any")
    assert opened.page.inner_text("#count") == "15 of 150"
    opened.page.select_option("#kind", "")
    opened.page.fill("#filter", "TEXT s1")
    assert opened.page.inner_text("#count") == f"{sum(i % 4 == 1 for i in range(150))} of 150"
    assert set(column(opened, "speaker")) == {"s1"} and EVIL in column(opened, "text")[0]
    assert not opened.complaints and not opened.foreign


@pytest.mark.parametrize("place", ["#doubts", "#rows"])
def test_audio_plays(browser: Any, path: Path, place: str) -> None:
    opened = Opened(browser, path)
    duration, error = opened.page.evaluate(
        """async (place) => {
            const audio = document.querySelector(place + ' audio');
            audio.muted = true;
            await audio.play();
            return [audio.duration, audio.error];
        }""",
        place,
    )
    assert abs(duration - 1.0) < 0.05 and error is None
    assert not opened.complaints and not opened.foreign


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone_in_either_light(browser: Any, path: Path, scheme: str) -> None:
    opened = Opened(browser, path, viewport={"width": 390, "height": 844}, color_scheme=scheme)
    assert opened.width <= 390
    opened.page.select_option("#sort", "4")
    rates = [float(rate) for rate in opened.page.locator("#rows td[data-label='chars/s']").all_text_contents()]
    assert rates == sorted(rates, reverse=True) and rates[0] == 15
    key = opened.page.locator(".key").nth(1).evaluate("e => getComputedStyle(e, '::before').borderTopColor")
    line = opened.page.locator("polyline.s1").first.evaluate("e => getComputedStyle(e).stroke")
    assert key == line, "the key has the colour of the line"


def test_a_page_of_nothing_much(browser: Any, tmp_path: Path) -> None:
    manifests = [{"name": "t.jsonl", "utterances": 0, "hours": 0.0, "speakers": 0, "durations": (0.0, 0.0, 0.0)}]
    write_data_page(DataPage(manifests=manifests, findings=[], lines=[]), tmp_path / "d.html")
    opened = Opened(browser, tmp_path / "d.html")
    assert "Nothing is wrong or odd." in opened.page.inner_text("main") and not opened.complaints
