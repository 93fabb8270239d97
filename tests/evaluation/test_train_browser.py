"""train.html in a real browser: it complains of nothing, asks for nothing, and shows the run it was made of."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from browsing import Opened
from log_rows import FACTS, step, validation

from asr.evaluation.training_report import write_training_report
from asr.training.diagnosis import diagnose

CURVES = [
    "loss, nats per token", "error rates on dev", "learning rate", "gradient norm before clipping", "blank share",
    "padding share", "throughput, audio-s/s", "data wait, share of the time",
]  # fmt: skip
LONG = "Donaudampfschifffahrtsgesellschaftskapitänskajütenschlüssel" * 2
NAME = f"my <run> {LONG}"


def _rows() -> list[dict[str, Any]]:
    """A run that waits for its data, with transcripts that get better and long names; one step had no loss."""
    rows: list[dict[str, Any]] = [FACTS]
    heard = {10: "", 20: LONG, 30: "<i>a</i>", 40: "a & b"}
    for i in range(1, 46):
        rows.append(step(i, data_wait=0.4, lr=1e-3 / i, gradient_norm=20.0 / i, loss=None if i == 7 else 6.0 / i))
        rows += [validation(i, 1.1 - i / 40, heard[i])] if i in heard else []
    rows[-6]["samples"].append({"id": LONG, "reference": LONG, "hypothesis": ""})
    return rows


@pytest.fixture(scope="module")
def train_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("run") / "train.html"
    write_training_report(_rows(), [asdict(d) for d in diagnose(_rows())], NAME, path)
    return path


def test_it_opens_without_a_word_and_alone(browser: Any, train_page: Path) -> None:
    opened = Opened(browser, train_page)
    assert opened.page.inner_text("h1") == NAME and opened.page.title() == f"{NAME}: training"
    assert opened.page.locator("script").count() == 0
    assert not opened.complaints and not opened.foreign
    assert [url for url in opened.requests if not url.startswith("data:")] == [train_page.as_uri()]


def _strays(opened: Opened) -> list[str]:
    """Curves with a point, a grid line or a letter beyond their picture, and what is beyond."""
    return opened.page.evaluate(
        """() => [...document.querySelectorAll('figure svg')].flatMap((svg) => {
            const within = svg.getBoundingClientRect();
            return [...svg.querySelectorAll('polyline, circle, line, text')].filter((part) => {
                const box = part.getBoundingClientRect();
                return box.left < within.left - 1 || box.right > within.right + 1
                    || box.top < within.top - 1 || box.bottom > within.bottom + 1;
            }).map((part) => `${svg.getAttribute('aria-label')}: ${part.outerHTML}`);
        })"""
    )


def _touching(opened: Opened) -> list[str]:
    """Labels of axes that lie over each other."""
    return opened.page.evaluate(
        """() => [...document.querySelectorAll('figure svg')].flatMap((svg) => {
            const boxes = [...svg.querySelectorAll('text')].map((text) => [text.textContent, text.getBBox()]);
            return boxes.flatMap(([one, a], i) => boxes.slice(i + 1).filter(([, b]) =>
                a.x < b.x + b.width && b.x < a.x + a.width && a.y + 2 < b.y + b.height && b.y + 2 < a.y + a.height
            ).map(([other]) => `${svg.getAttribute('aria-label')}: ${one} and ${other}`));
        })"""
    )


@pytest.mark.parametrize("width", [390, 1200])
def test_every_curve_is_drawn_within_its_picture(browser: Any, train_page: Path, width: int) -> None:
    opened = Opened(browser, train_page, viewport={"width": width, "height": 844})
    figures = opened.page.locator("figure")
    assert figures.locator("h3").all_inner_texts() == CURVES
    for i in range(len(CURVES)):
        svg = figures.nth(i).locator("svg")
        assert svg.get_attribute("aria-label") == CURVES[i] and svg.locator("polyline").count() >= 1
        box = svg.bounding_box()
        assert box["width"] > 250 and box["height"] > 120
    assert not _strays(opened) and not _touching(opened)


def test_letters_and_lines_can_be_seen(browser: Any, train_page: Path) -> None:
    """Letters of 10 pixels or more; every line has the colour of its name, which is no other's."""
    opened = Opened(browser, train_page, viewport={"width": 1200, "height": 844})
    heights = opened.page.evaluate(
        """() => [...document.querySelectorAll('svg text')].map((text) =>
            parseFloat(getComputedStyle(text).fontSize) * text.getScreenCTM().a)"""
    )
    assert min(heights) >= 10
    lines, names = opened.page.evaluate(
        """() => ['polyline, .level', '.key'].map((wanted) =>
            [...document.querySelector('figure').querySelectorAll(wanted)].map((e) =>
                e.matches('.key') ? getComputedStyle(e, '::before').borderTopColor : getComputedStyle(e).stroke))"""
    )
    assert lines == names and len(set(lines)) == 3


def test_milestones(browser: Any, train_page: Path) -> None:
    opened = Opened(browser, train_page)
    rows = opened.page.locator(".milestones tr")
    cells = [rows.nth(i).locator("td").all_inner_texts() for i in range(rows.count())]
    assert cells == [
        ["loss below every constant output: it listens", "step 4", "epoch 0.40", "loss 1.500"],
        ["first transcript that is not empty", "step 20", "epoch 2.00", "WER 60.00 %"],
        ["first WER below 100 %", "step 10", "epoch 1.00", "WER 85.00 %"],
        ["best WER", "step 40", "epoch 4.00", "WER 10.00 %"],
    ]


def test_diagnoses_have_their_remedies(browser: Any, train_page: Path) -> None:
    opened = Opened(browser, train_page)
    [wrong] = opened.page.locator(".card.wrong").all_inner_texts()
    assert "waiting for data" in wrong and "40% of the time" in wrong and "Remedy: more data.workers" in wrong


def test_transcripts_through_time(browser: Any, train_page: Path) -> None:
    opened = Opened(browser, train_page)
    card = opened.page.locator(".card", has=opened.page.locator("h3", has_text="u<1>"))
    assert "reference: a & b" in card.inner_text()
    rows = card.locator("tr:has(td)")
    cells = [rows.nth(i).locator("td").all_inner_texts() for i in range(rows.count())]
    assert cells == [["10", "(nothing)"], ["20", LONG], ["30", "<i>a</i>"], ["40", "a & b ✓"]]
    assert card.locator("td.right").count() == 1 and card.locator("i").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone_in_either_light(browser: Any, train_page: Path, scheme: str) -> None:
    opened = Opened(browser, train_page, viewport={"width": 390, "height": 844}, color_scheme=scheme)
    assert opened.width <= 390
    paper, ink, line = opened.page.evaluate(
        """() => [getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color,
            getComputedStyle(document.querySelector('polyline')).stroke]"""
    )
    assert (paper == "rgb(255, 255, 255)") == (scheme == "light") and len({paper, ink, line}) == 3
    assert (_brightness(line) < _brightness(paper)) == (scheme == "light")
    assert not opened.complaints


def _brightness(colour: str) -> int:
    """The sum of the parts of "rgb(r, g, b)"."""
    return sum(int(part) for part in colour[4:-1].split(","))
