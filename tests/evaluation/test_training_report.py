"""The page of a run: whole, self-contained, and every number in it that of the log."""

import math
import re
import time
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest
from log_rows import FACTS, step, validation

from asr.evaluation.charts import Line, line_chart
from asr.evaluation.training_report import charts, duration, milestones, transcripts, write_training_report

ROWS = [
    FACTS, step(1), step(2), validation(2, 1.0, ""), step(3), step(4, loss=None), validation(4, 0.5, "a b "), step(5),
    validation(5, 0.25, "a & b"),
]  # fmt: skip
WRONG = {"name": "over-fitting", "words": "dev <rises>", "remedy": "perturb.speed", "normal": False, "past": False}


class Page(HTMLParser):
    """What a page holds, and whether every tag is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if tag not in ("meta", "link", "br"):
            self.open.append(tag)
        self.links += [value or "" for name, value in attributes if name in ("src", "href")]

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        """A tag that closes itself, in SVG."""

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_is_whole_and_alone(tmp_path: Path) -> None:
    write_training_report(ROWS, [WRONG], "my <run>", tmp_path / "train.html")
    written = (tmp_path / "train.html").read_text(encoding="utf-8")
    page = Page(written)
    assert not page.open and page.links == ["data:,"] and "<script" not in written and "url(" not in written
    assert "prefers-color-scheme:dark" in written and "width=device-width" in written
    for part in ("my <run>", "dev <rises>", "perturb.speed", "u<1>", "a & b ✓", "(nothing)", "25.00 %", "1.900"):
        assert part in page.text, part
    assert written.count("<svg") == 8 and [path.name for path in tmp_path.iterdir()] == ["train.html"]


def test_no_step_no_page_and_old_logs_have_one(tmp_path: Path) -> None:
    write_training_report(ROWS[:1], [], "run", tmp_path / "train.html")
    assert not list(tmp_path.iterdir())
    old = {"kind": "step", "step": 1, "epoch": 0.1, "loss": None, "lr": 1e-3}
    write_training_report([old, validation(1, 1.0, "") | {"samples": []}], [], "run", tmp_path / "train.html")
    assert "Nothing looks wrong" in (tmp_path / "train.html").read_text()


def test_the_head_is_the_last_row_of_either_kind(tmp_path: Path) -> None:
    last = validation(7, 0.5, "a") | {"progress": 1.0, "elapsed": 8000.0}
    write_training_report([*ROWS, last], [], "run", tmp_path / "train.html")
    assert "step 7, epoch 0.70, 100 % of the run, 2.2 h." in (tmp_path / "train.html").read_text()


def test_durations_are_in_the_unit_somebody_would_say() -> None:
    assert [duration(s) for s in (0.4, 59.0, 60.0, 516.0, 3600.0, 100_000.0)] == [
        "0 s", "59 s", "1.0 min", "8.6 min", "1.0 h", "27.8 h",
    ]  # fmt: skip


def test_a_remedy_ends_as_a_sentence_does(tmp_path: Path) -> None:
    asking = WRONG | {"remedy": "a third of training.lr; is it right?"}
    write_training_report(ROWS, [WRONG, asking], "run", tmp_path / "train.html")
    text = Page((tmp_path / "train.html").read_text()).text
    assert "perturb.speed.\n" in text and "is it right?\n" in text


def test_what_was_wrong_earlier_is_said_as_such(tmp_path: Path) -> None:
    write_training_report(ROWS, [WRONG | {"past": True}], "run", tmp_path / "train.html")
    text = Page((tmp_path / "train.html").read_text()).text
    assert "earlier: over-fitting" in text and "Nothing looks wrong" not in text


def test_it_listens_where_the_loss_is_below_that_row_s_own_constant_output() -> None:
    short, long = step(1, loss=1.5, blanks_loss=1.6), step(2, loss=1.6, blanks_loss=1.9)
    assert next(milestones([short, long], [], FACTS))[1] is long
    assert next(milestones([step(1, loss=1.5)], [], FACTS))[1] is not None, "an older log knows the run's alone"


def test_milestones_are_where_the_log_passes_them() -> None:
    found = {what: row and row["step"] for what, row in milestones(ROWS[1:2], ROWS[3:4], FACTS)}
    assert list(found.values()) == [None, None, None, 2]
    bare = {key: value for key, value in validation(2, 0.5, "").items() if key != "samples"}
    assert [what for what, _ in milestones([], [bare], {})] == ["first WER below 100 %", "best WER"]
    steps, validations = ([row for row in ROWS if row["kind"] == kind] for kind in ("step", "validation"))
    found = {what: row and row["step"] for what, row in milestones(steps, validations, FACTS)}
    assert found == {
        "loss below every constant output: it listens": 5,
        "first transcript that is not empty": 4,
        "first WER below 100 %": 4,
        "best WER": 5,
    }


def test_transcripts_through_time_are_the_first_the_last_and_some_between() -> None:
    heard = transcripts([validation(i, 1.0, f"word {i}") for i in range(100)])
    assert len(heard) == 1
    steps = [row["step"] for row, _, _ in heard[0][1]]
    assert len(steps) == 12 and steps[0] == 0 and steps[-1] == 99 and transcripts([]) == []


def test_a_chart_shows_the_points_of_the_log() -> None:
    """The last point of every line, read back from its place in the picture."""
    steps = [step(i, loss=8.0 / i) for i in range(1, 11)]
    title, names, svg = next(iter(charts(steps, [], FACTS)))
    root = ElementTree.fromstring(svg)
    assert (
        names == [("training", False), ("dev", False), ("only blanks", True)]
        and root.get("aria-label") == title == "loss, nats per token"
    )
    heights = {float(text): place for text, place in _texts(svg, "up").items()}
    (low, bottom), (high, top) = min(heights.items()), max(heights.items())
    points = [tuple(map(float, p.split(","))) for p in root.find("polyline").get("points").split()]
    values = [low + (bottom - y) / (bottom - top) * (high - low) for _, y in points]
    assert values == pytest.approx([row["loss"] for row in steps], abs=0.03) and high >= 8.0


def _texts(svg: str, kind: str) -> dict[str, float]:
    """The texts of a class in a chart, and where they are."""
    place = "y" if kind == "up" else "x"
    return {t.text: float(t.get(place)) for t in ElementTree.fromstring(svg).iter("text") if t.get("class") == kind}


def test_every_chart_has_the_same_steps_below() -> None:
    """Whatever was logged and when, so that one can look from one chart to the next."""
    drawn = list(charts([step(10), step(20)], [validation(37, 0.5, "a")], FACTS))
    below = [_texts(svg, "across") for _, _, svg in drawn]
    assert list(below[0]) == ["0", "10", "20", "30"] and all(texts == below[0] for texts in below)
    assert all(_texts(svg, "axis").keys() == {"step"} for _, _, svg in drawn)
    short = line_chart("short", [Line("x", [(1.0, 2.0)])])
    assert list(_texts(short, "across")) == ["0", "1"], "no fractions of a step"


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        ((1e-6, 2e-3), ["1e-6", "1e-5", "1e-4", "1e-3", "0.01"]),
        ((2e-4, 8e-3), ["2e-4", "5e-4", "1e-3", "2e-3", "5e-3", "0.01"]),
        ((3.0, 3.0), ["2", "5"]),
        ((1.0, 1e9), ["1", "100", "10k", "1000k", "1e8", "1e10"]),
    ],
)
def test_log_axes_have_few_labels_apart(values: tuple[float, float], labels: list[str]) -> None:
    found = _texts(line_chart("log", [Line("x", list(enumerate(values)))], log=True), "up")
    assert list(found) == labels
    places = list(found.values())
    assert all(above <= below - 11 for below, above in pairwise(places)), "letters overlap"


def test_charts_of_odd_numbers() -> None:
    assert line_chart("none", [Line("x"), Line("y", level=3.0)]) == ""
    assert line_chart("nan", [Line("x", [(1.0, math.nan), (2.0, math.inf)])]) == ""
    for points in ([(5.0, 0.0)], [(1.0, 1e-9), (2.0, 1e9)], [(1.0, 0.0), (2.0, 0.0)], [(1.0, 7e5), (9e6, 7.1e5)]):
        for log in (False, True):
            svg = line_chart("odd", [Line("x", points)], log=log)
            places = [float(v) for v in re.findall(r'y1="([^"]+)"', svg)]
            assert all(0 <= place <= 210 for place in places)
            assert not svg or ElementTree.fromstring(svg) is not None


def test_a_long_run_has_a_small_page_quickly(tmp_path: Path) -> None:
    rows = [FACTS, *(step(i + 1) for i in range(20_000)), *(validation(100 * i + 1, 0.5, "a") for i in range(200))]
    started = time.process_time()
    write_training_report(rows, [], "long", tmp_path / "train.html")
    assert time.process_time() - started < 3.0
    assert (tmp_path / "train.html").stat().st_size < 200_000
