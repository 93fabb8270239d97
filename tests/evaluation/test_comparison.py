"""Evaluations compared: what is said of them, and results that cannot be compared."""

import json
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asr import cli
from asr.errors import ManifestError
from asr.evaluation.comparison import compare_results, comparison_page, render_comparisons
from asr.evaluation.errors import align_words, word_errors
from asr.evaluation.figures import p_value
from asr.evaluation.results import Result, write_results
from asr.evaluation.segments import segments

SAID = [f"one two three four five six seven {'eight ' * (i % 3)}".strip() for i in range(60)]


def _results(folder: Path, wrong: range, ids: int = 60, said: list[str] = SAID) -> Path:
    results = [
        Result.of(
            id=f"u{i:02d}", audio=f"u{i}.wav", reference=said[i], duration=1.0,
            hypothesis=said[i].replace("three", "<b>tree") if i in wrong else said[i],
        )
        for i in range(ids)
    ]  # fmt: skip
    write_results(folder, results, seconds=1.0, normalisation="none", decoder="greedy")
    return folder


def test_a_difference_is_told_with_the_utterances_it_is_in(tmp_path: Path) -> None:
    a, b = _results(tmp_path / "a", range(20)), _results(tmp_path / "b", range(18, 22))
    text = render_comparisons(compare_results([a, b / "results.jsonl"]))
    assert "B is better: p = 0.000" in text and "over 60 utterances, 480 words" in text
    assert "18 utterances got better, 2 worse, 40 have as many errors" in text
    assert "u20   +1" in text and "u00   -1" in text
    assert "4.17 % WER" in text and "0.83 % WER" in text and "B − A  -3.33 points" in text
    assert "B is worse" in render_comparisons(compare_results([b, a]))


def test_no_difference_is_said_plainly(tmp_path: Path) -> None:
    a, b = _results(tmp_path / "a", range(20)), _results(tmp_path / "b", range(1, 22))
    assert "no difference shown: p = " in render_comparisons(compare_results([a, b]))
    assert "no difference shown: p = 1.0000" in render_comparisons(compare_results([a, a]))


def test_two_utterances_show_nothing(tmp_path: Path) -> None:
    a, b = _results(tmp_path / "a", range(0), ids=2), _results(tmp_path / "b", range(2), ids=2)
    text = render_comparisons(compare_results([a, b]))
    assert "too few utterances to tell: p = 1.0000 (paired bootstrap), p = 0.5000 (matched pairs, 2 segments" in text
    five, six = _results(tmp_path / "five", range(5)), _results(tmp_path / "six", range(6))
    none = _results(tmp_path / "none", range(0))
    assert "too few errors to tell" in compare_results([none, five])[0].verdict()
    assert "B is worse: p = 0.03" in compare_results([none, six])[0].verdict()


def test_no_p_value_is_zero() -> None:
    assert p_value(0.0) == p_value(0.00009) == "p < 0.0001" and p_value(0.0001) == "p = 0.0001"


def test_several_comparisons_are_corrected(tmp_path: Path) -> None:
    a, b, c = (_results(tmp_path / n, r) for n, r in (("a", range(0)), ("b", range(6)), ("c", range(7))))
    alone, (one, other) = compare_results([a, b])[0], compare_results([a, b, c])
    assert alone.p < 0.05 and "corrected" not in alone.verdict()
    assert one.p == other.p == pytest.approx(2 * other.difference.p) == pytest.approx(alone.p)
    assert "B is worse" in one.verdict() and "; p = 0.0312 corrected for 2 comparisons" in one.verdict()
    assert "too few" in compare_results([a, b, _results(tmp_path / "d", range(0))])[0].verdict()


def test_speakers_are_drawn_whole_where_they_are_known(tmp_path: Path) -> None:
    def side(name: str, right: range) -> Path:
        results = [
            Result.of(
                id=f"u{i:02d}", audio="x.wav", reference=SAID[i], duration=1.0, speaker=f"s{i // 10}",
                hypothesis=SAID[i] if i in right else SAID[i].replace("three", "tree"),
            )
            for i in range(60)
        ]  # fmt: skip
        write_results(tmp_path / name, results, seconds=1.0, normalisation="none", decoder="greedy")
        return tmp_path / name

    found = compare_results([side("a", range(0)), side("b", range(10))])[0]  # better for one of six speakers
    assert "B is better" in found.verdict() and "; not shown for other speakers than these: p = " in found.verdict()
    assert found.difference.speakers is not None and found.difference.speakers.high >= 0
    text = render_comparisons([found])
    assert text.count("] over utterances, [") == 3
    page = comparison_page([found])
    assert page.count("] over utterances, [") == 3 and "over speakers drawn whole" in page


def test_the_page_and_the_verb(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    sides = [_results(tmp_path / name, range(n, n + 9)) for n, name in enumerate("abc")]
    monkeypatch.setattr(sys, "argv", ["asr", "compare", *map(str, sides), "--out", str(tmp_path / "c.html")])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code in (0, None) and capsys.readouterr().out.count("no difference shown") == 2
    page = (tmp_path / "c.html").read_text()
    assert page == comparison_page(compare_results(sides)) and "no difference shown" in page
    assert "&lt;b&gt;tree" in page and "<b>tree" not in page


def test_segments_end_where_both_have_two_words_right() -> None:
    said = "a b c d e f g h"
    assert segments(said, said, said) == []
    assert segments(said, "x b c d e f g h", "a b c d e f x h") == [(1, 0), (0, 1)]
    assert segments(said, "x b c d e f g h", "a b x d e f g h") == [(1, 1)]  # one right word between does not part
    assert segments(said, "a b c d e f g h i j", said) == [(2, 0)]
    assert segments(said, "a b z c d e f g", "a y c d e f g h") == [(1, 1), (1, 0)]
    assert segments("", "x", "") == [(1, 0)] and segments("", "", "") == []


def test_an_insertion_is_no_word_of_a_segment() -> None:
    said = "a b c d e f g h"
    assert segments(said, "a b X c d Y f g h", said) == [(1, 0), (1, 0)]  # c and d are right
    assert segments(said, "a b X c d f g h", "a b c Y d e f g h") == [(2, 1)]
    assert segments("a b", "a b x", "a b y z") == [(1, 2)]


def _nist(said: str, a: str, b: str) -> list[tuple[int, int]]:
    """The graph that mtchprs.c draws, walked: b no error yet, e an error, g good words after it."""
    sides, at, state, good, found = [align_words(said, a), align_words(said, b)], [0, 0], "b", 0, []
    here = [0, 0]

    def store() -> None:
        if any(here):
            found.append((here[0], here[1]))
        here[:] = [0, 0]

    while any(at[side] < len(sides[side]) for side in (0, 1)):
        for side in (0, 1):
            while at[side] < len(sides[side]) and sides[side][at[side]][0] is None:
                here[side], at[side], state = here[side] + 1, at[side] + 1, "e"
        if at[0] == len(sides[0]):
            continue
        wrong = [sides[side][at[side]][0] != sides[side][at[side]][1] for side in (0, 1)]
        here, at = [here[0] + wrong[0], here[1] + wrong[1]], [at[0] + 1, at[1] + 1]
        if any(wrong):
            state = "e"
        elif state == "e":
            state, good = "g", 1
        elif state == "g":
            good += 1
            if good == 2:
                store()
                state = "b"
    store()
    return found


@settings(deadline=None)
@given(*[st.lists(st.sampled_from("abc"), max_size=12).map(" ".join)] * 3)
def test_segments_are_those_of_nists_state_machine(said: str, a: str, b: str) -> None:
    assert segments(said, a, b) == _nist(said, a, b)


@settings(deadline=None)
@given(*[st.lists(st.sampled_from("abc"), max_size=12).map(" ".join)] * 3)
def test_segments_hold_every_error(said: str, a: str, b: str) -> None:
    found = segments(said, a, b)
    assert sum(pair[0] for pair in found) == word_errors(said, a).errors
    assert sum(pair[1] for pair in found) == word_errors(said, b).errors
    assert all(any(pair) for pair in found)


def test_what_cannot_be_compared(tmp_path: Path) -> None:
    a = _results(tmp_path / "a", range(2))
    fewer = _results(tmp_path / "fewer", range(2), ids=59)
    other = _results(tmp_path / "other", range(2), said=["other words", *SAID[1:]])
    (tmp_path / "odd.jsonl").write_text(json.dumps({"id": "x"}))
    row = json.loads((a / "results.jsonl").read_text().splitlines()[0])
    (tmp_path / "true.jsonl").write_text(json.dumps(row | {"insertions": True}))
    for paths, said in [
        ([a], "is alone; expected two"),
        ([a, fewer], r"a: utterance 'u59' \(of 1\) is not in .*fewer"),
        ([a, other], "other: utterance 'u00' has another reference"),
        ([a, tmp_path / "odd.jsonl"], "odd.jsonl:1: no result"),
        ([a, tmp_path / "true.jsonl"], "true.jsonl:1: no result"),
        ([a, tmp_path / "none"], "no such file"),
    ]:
        with pytest.raises(ManifestError, match=said):
            compare_results(paths)
