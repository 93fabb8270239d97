"""report.html in a real browser: it sorts, filters and plays, asks for nothing, and opens fast with 10,000 rows."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browsing import Opened

from asr.audio.io import write_wav
from asr.evaluation.comparison import compare_results, comparison_page
from asr.evaluation.html_report import Background, write_page
from asr.evaluation.results import Result, write_results
from asr.evaluation.sounds import Sound

RATE = 16000


def _column(opened: Opened, number: int) -> list[str]:
    """The texts of a column of the table of utterances, as far as it is in the page."""
    return opened.page.locator(f"#rows tbody tr td:nth-child({number})").all_text_contents()


def _evaluation(folder: Path, count: int, recorded: int = 0, wrong: int = 3, **options: Any) -> Path:
    results, sounds = [], {}
    for i in range(count):
        said = " ".join(["turn the light on", "set an alarm", "stop"][: 1 + i % 3]) + f" {i}"
        path = folder / f"u{i:05d}.wav"
        if i < recorded:
            write_wav(path, 0.1 * np.sin(np.arange(RATE) * 0.1), RATE)
            sounds[f"u{i:05d}"] = Sound(path, 1.0)
        results.append(
            Result.of(
                id=f"u{i:05d}", audio=path, reference=said, duration=1 + i % 7, speaker=f"s{i % 9}",
                hypothesis=said if i % wrong else said.replace("the", "a") + " <i>now</i>",
            )
        )  # fmt: skip
    write_results(folder, results, seconds=2.0, normalisation="NFKC", decoder="greedy")
    return write_page(folder, Background(sounds, facts={"seed": "1"}, config="name: x\n"), **options)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _evaluation(tmp_path_factory.mktemp("report"), 200, recorded=5)


def test_sorting(browser: Any, report: Path) -> None:
    opened = Opened(browser, report)
    opened.page.click("#rows th[data-key='2']")
    seconds = [float(s) for s in _column(opened, 3)]
    assert seconds == sorted(seconds, reverse=True) and seconds[0] == 7
    opened.page.click("#rows th[data-key='2']")
    assert _column(opened, 3)[0] == "1"
    assert opened.page.get_attribute("#rows th[data-key='2']", "aria-sort") == "ascending"
    opened.page.click("#rows th[data-key='wer']")
    rates = [float(s) for s in _column(opened, 6)]
    assert rates == sorted(rates, reverse=True) and rates[0] > 0
    opened.page.focus("#rows th[data-key='0']")
    opened.page.keyboard.press("Enter")
    assert _column(opened, 1)[:2] == ["u00000", "u00001"]
    assert not opened.complaints and not opened.foreign


def test_filtering(browser: Any, report: Path) -> None:
    opened = Opened(browser, report)
    assert opened.page.inner_text("#count") == "200 of 200"
    opened.page.fill("#filter", "STOP s5")
    rows = [json.loads(line) for line in (report.parent / "results.jsonl").read_text().splitlines()]
    wanted = [row["id"] for row in rows if "stop" in row["reference"] and row["speaker"] == "s5"]
    assert wanted and _column(opened, 1) == wanted
    opened.page.fill("#filter", "")
    opened.page.select_option("#kind", "i")
    wanted = [row["id"] for row in rows if row["insertions"]]
    assert opened.page.inner_text("#count") == f"{len(wanted)} of 200"
    assert _column(opened, 1) and _column(opened, 1) == wanted[: len(_column(opened, 1))]
    opened.page.fill("#filter", "nowhere")
    assert opened.page.inner_text("#count") == "0 of 200" and _column(opened, 1) == []
    assert not opened.complaints and not opened.foreign


def test_rows_come_as_somebody_scrolls(browser: Any, report: Path) -> None:
    opened = Opened(browser, report, viewport={"width": 1200, "height": 800})
    assert len(_column(opened, 1)) < 200
    for _ in range(40):
        opened.page.evaluate("window.scrollTo(0, document.getElementById('more').offsetTop)")
        opened.page.wait_for_timeout(20)
    assert len(_column(opened, 1)) == 200


def test_alignment_is_coloured_and_its_text_harmless(browser: Any, report: Path) -> None:
    opened = Opened(browser, report)
    first = opened.page.locator("#rows tbody tr").first
    assert first.locator("span.s del").inner_text() == "the" and first.locator("span.s ins").inner_text() == "a"
    assert first.locator("span.i").inner_text() == "<i>now</i>"
    colours = {
        first.locator(kind).first.evaluate("e => getComputedStyle(e).backgroundColor") for kind in ("span.s", "span.i")
    }
    assert len(colours) == 2


def _played(opened: Opened) -> list[Any]:
    """Length and place in it of the first recording after 300 ms of playing, and what went wrong."""
    return opened.page.evaluate(
        """async () => {
            const audio = document.querySelector('#rows audio');
            audio.muted = true;
            await audio.play();
            await new Promise((done) => setTimeout(done, 300));
            return [audio.duration, audio.currentTime, audio.error];
        }"""
    )


def test_embedded_audio_plays(browser: Any, report: Path) -> None:
    opened = Opened(browser, report)
    assert opened.page.locator("#rows audio").count() == 5
    duration, at, error = _played(opened)
    assert abs(duration - 1.0) < 0.05 and at > 0 and error is None
    assert not opened.complaints and not opened.foreign


def test_linked_audio_plays(browser: Any, tmp_path: Path) -> None:
    opened = Opened(browser, _evaluation(tmp_path, 3, recorded=3, audio_room=0))
    duration, at, error = _played(opened)
    assert abs(duration - 1.0) < 0.05 and at > 0 and error is None
    assert not opened.complaints and opened.foreign == [(tmp_path / "u00000.wav").as_uri()]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone_in_either_light(browser: Any, report: Path, scheme: str, tmp_path: Path) -> None:
    opened = Opened(browser, report, viewport={"width": 390, "height": 844}, color_scheme=scheme)
    assert opened.width <= 390
    paper = opened.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (paper == "rgb(255, 255, 255)") == (scheme == "light")
    opened.page.screenshot(path=tmp_path / f"{scheme}.png")
    assert (tmp_path / f"{scheme}.png").stat().st_size > 10_000


def test_ten_thousand_utterances_open(browser: Any, tmp_path: Path) -> None:
    path = _evaluation(tmp_path, 10_000)
    opened = Opened(browser, path)
    assert opened.page.inner_text("#count") == "10000 of 10000"
    opened.page.click("#rows th[data-key='wer']")
    opened.page.fill("#filter", "alarm")
    assert not opened.complaints and not opened.foreign


def test_comparison(browser: Any, report: Path, tmp_path: Path) -> None:
    _evaluation(tmp_path / "other", 200, wrong=4)
    (tmp_path / "c.html").write_text(comparison_page(compare_results([report.parent, tmp_path / "other"])))
    opened = Opened(browser, tmp_path / "c.html", viewport={"width": 390, "height": 844})
    assert "points" in opened.page.inner_text("main") and opened.page.locator("span.i").count() > 10
    assert opened.width <= 390
    assert not opened.complaints and not opened.foreign
