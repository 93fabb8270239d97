"""report.html in a real browser: it sorts, filters and plays, asks for nothing, and holds 10,000 rows."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browsing import Opened
from PIL import Image

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


PHONE = {"width": 390, "height": 844}


def test_sorting_on_a_phone(browser: Any, report: Path) -> None:
    opened = Opened(browser, report, viewport=PHONE)
    assert not opened.page.is_visible("#rows thead")
    names = opened.page.locator("#sort option").all_text_contents()
    assert names[1:] == ["utterance", "speaker", "s", "words", "errors", "WER %"]
    opened.page.select_option("#sort", "wer")
    rates = [float(s) for s in _column(opened, 6)]
    assert rates == sorted(rates, reverse=True) and rates[0] > 0
    opened.page.click("#direction")
    assert _column(opened, 6)[0] == "0.0" and opened.page.inner_text("#direction") == "↑"
    opened.page.select_option("#sort", label="utterance")
    assert _column(opened, 1)[:2] == ["u00000", "u00001"]
    assert not opened.complaints


def test_heads_and_the_choice_of_order_agree(browser: Any, report: Path) -> None:
    opened = Opened(browser, report)
    assert not opened.page.is_visible("#sort") and not opened.page.is_visible("#direction")
    opened.page.click("#rows th[data-key='2']")
    assert opened.page.input_value("#sort") == "2"
    opened.page.set_viewport_size(PHONE)
    opened.page.click("#direction")
    assert opened.page.get_attribute("#rows th[data-key='2']", "aria-sort") == "ascending"


def _of_texts(folder: Path, *texts: tuple[str, str]) -> Path:
    results = [
        Result.of(id=f"u{i}", audio="x", reference=said, hypothesis=heard, duration=1.0)
        for i, (said, heard) in enumerate(texts)
    ]
    write_results(folder, results, seconds=1.0, normalisation="none", decoder="greedy")
    return write_page(folder)


def test_long_errors_break_on_a_phone(browser: Any, tmp_path: Path) -> None:
    texts = ("今天天气很好我们去公园散步吧" * 2, "你" * 33), ("a" * 400, "b" * 400), ("c", f"c {'d' * 400}")
    _of_texts(tmp_path / "b", *((said, said) for said, _ in texts))
    opened = Opened(browser, _of_texts(tmp_path / "a", *texts), viewport=PHONE)
    assert opened.width <= 390
    cell = opened.page.locator("#rows td.text").first.bounding_box()
    assert cell is not None and cell["width"] > 340  # the whole width, not a narrow column
    (tmp_path / "c.html").write_text(comparison_page(compare_results([tmp_path / "a", tmp_path / "b"])))
    opened = Opened(browser, tmp_path / "c.html", viewport=PHONE)
    assert opened.width <= 390
    table = opened.page.locator("table.changes")
    assert table.evaluate_all("all => all.every((e) => e.scrollWidth <= document.documentElement.clientWidth)")
    a, b = (table.first.locator("tbody tr").first.locator("td.text").nth(i).bounding_box() for i in (0, 1))
    assert a is not None and b is not None and b["y"] >= a["y"] + a["height"]  # one below the other


_PLACES = """(e, word) => {
    const walker = document.createTreeWalker(e, NodeFilter.SHOW_TEXT), range = document.createRange();
    while (walker.nextNode()) {
        const at = walker.currentNode.data.indexOf(word);
        if (at < 0) continue;
        return [at, at + word.length - 1].map((i) => {
            range.setStart(walker.currentNode, i);
            range.setEnd(walker.currentNode, i + 1);
            return range.getBoundingClientRect().left;
        });
    }
}"""  # where the first and the last letter of a word are


@pytest.mark.parametrize("page", ["report", "comparison"])
def test_text_runs_in_its_own_direction(browser: Any, tmp_path: Path, page: str) -> None:
    """An Arabic text from the right; a sign in one word that turns what follows must turn no other word."""
    turned = ("\u202eabc def", "xyz def"), ("ok abc\u202e one end", "ok abc\u202e two end")
    texts = ("مرحبا بالعالم اليوم", "مرحبا بالعالم غدا"), *turned
    path = _of_texts(tmp_path / "a", *texts)
    if page == "comparison":
        _of_texts(tmp_path / "b", *((said, said) for said, _ in texts))
        path = tmp_path / "c.html"
        path.write_text(comparison_page(compare_results([tmp_path / "b", tmp_path / "a"])))
    opened = Opened(browser, path)
    cells = opened.page.locator("#rows td.text" if page == "report" else "tbody td.text:last-child")
    if page == "report":
        assert cells.nth(0).evaluate("(e) => getComputedStyle(e).direction") == "rtl"
    assert cells.filter(has_text="xyz").first.evaluate("(e) => getComputedStyle(e).direction") == "ltr"
    for words in (("xyz", "def"), ("ok", "one", "two", "end")):
        cell = cells.filter(has_text=words[-1]).filter(has_text=words[1]).last
        places = [place for word in words for place in cell.evaluate(_PLACES, word)]
        assert places == sorted(places), (words, places)


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


def test_the_surest_error_comes_first_and_is_shown(browser: Any, tmp_path: Path) -> None:
    results = [
        Result.of(
            id=f"u{i}", audio="x", reference="a b", hypothesis="a c d", duration=1.0, confidences=[0.99, 0.1 * i, 0.05]
        )
        for i in range(10)
    ]  # fmt: skip
    write_results(tmp_path, results, seconds=1.0, normalisation="none", decoder="greedy")
    opened = Opened(browser, write_page(tmp_path))
    rows = opened.page.locator("#worst tbody tr")
    assert rows.locator("td.id").all_text_contents()[:3] == ["u9", "u8", "u7"]
    assert rows.first.locator("td.n").all_text_contents() == ["0.900", "2 of 2"]
    assert "the surest such word" in opened.page.inner_text("main") and not opened.complaints


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


def _ink(opened: Opened, folder: Path, scheme: str) -> str:
    """How much of a screenshot stands out from the paper as letters have to: none, little, or much of it."""
    opened.page.screenshot(path=folder / "shot.png")
    brightness = np.asarray(Image.open(folder / "shot.png").convert("L"), np.int64)
    paper = 255 if scheme == "light" else 24
    share = np.mean(np.abs(brightness - paper) > 100)
    assert brightness.shape == (PHONE["height"], PHONE["width"])
    return "none" if share < 0.005 else "little" if share < 0.2 else "much"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone_in_either_light(browser: Any, report: Path, scheme: str, tmp_path: Path) -> None:
    opened = Opened(browser, report, viewport=PHONE, color_scheme=scheme)
    assert opened.width <= 390
    paper = opened.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (paper == "rgb(255, 255, 255)") == (scheme == "light")
    assert _ink(opened, tmp_path, scheme) == "little"
    opened.page.add_style_tag(content="*{color:var(--paper)!important;background:var(--paper)!important}")
    assert _ink(opened, tmp_path, scheme) == "none"


def test_of_ten_thousand_utterances_few_are_in_the_page(browser: Any, tmp_path: Path) -> None:
    path = _evaluation(tmp_path, 10_000)
    opened = Opened(browser, path)
    assert opened.page.inner_text("#count") == "10000 of 10000" and opened.page.locator("#rows tr").count() < 200
    opened.page.click("#rows th[data-key='wer']")
    opened.page.fill("#filter", "alarm")
    assert not opened.complaints and not opened.foreign


def test_comparison(browser: Any, report: Path, tmp_path: Path) -> None:
    _evaluation(tmp_path / "other", 200, wrong=4)
    (tmp_path / "c.html").write_text(comparison_page(compare_results([report.parent, tmp_path / "other"])))
    opened = Opened(browser, tmp_path / "c.html", viewport=PHONE)
    assert "points" in opened.page.inner_text("main") and opened.page.locator("span.i").count() > 10
    assert opened.width <= 390
    assert not opened.complaints and not opened.foreign
