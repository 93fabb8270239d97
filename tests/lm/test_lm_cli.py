"""`asr lm` from end to end, and mistakes of a user as one line with exit code 2."""

import gzip
import re
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
from verbs import Verb

from asr import cli
from asr.lm.arpa import read_arpa


@pytest.fixture(autouse=True)
def texts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    lines = ["a b c", "a b", "b c a", "d a b c", "a", "b b"] * 3
    Path("text").write_text("\n".join(lines) + "\n")
    Path("text.gz").write_bytes(gzip.compress(Path("text").read_bytes()))


@pytest.fixture
def lm(verb: Verb) -> Verb:
    """`asr lm …`."""
    return partial(verb, "lm")


@pytest.fixture
def model(lm: Verb) -> str:
    code, out, err = lm("build", "text", "--order", 3, "--discount-fallback", "--out", "new/m.arpa.gz")
    assert code == 0, err
    assert re.fullmatch(r"new/m\.arpa\.gz: 7 1-grams, \d+ 2-grams, \d+ 3-grams, in [\d.]+ s\n", out)
    return "new/m.arpa.gz"


def test_builds_tells_scores_and_prunes(lm: Verb, model: str) -> None:
    code, out, _ = lm("info", model)
    assert code == 0 and "order 3" in out and re.search(r"vocabulary +4 words, <unk> <s> </s> beside", out)
    Path("other").write_text("a b c\nb z\n")
    code, out, _ = lm("score", model, "text.gz", "other", "--per-line")
    lines = out.splitlines()
    assert code == 0 and len(lines) == 18 + 1 + 2 + 1
    assert "18 sentences, 63 tokens, 0 OOV" in lines[18] and "2 sentences, 7 tokens, 1 OOV" in lines[21]
    total = float(lines[21].rsplit(" ", 1)[1])
    assert sum(map(float, lines[19:21])) == pytest.approx(total, abs=1e-3)
    code, out, _ = lm("prune", model, "--threshold", "0.01", "--out", "small.arpa")
    small, full = read_arpa("small.arpa")[0], read_arpa(model)[0]
    assert code == 0 and sum(len(g.words) for g in small.orders) < sum(len(g.words) for g in full.orders)


@pytest.mark.parametrize("said", [["--prune", "0 1 2"], ["--prune", 0, "--prune", 1, "--prune", 2]])
def test_thresholds_may_be_said_in_three_ways(lm: Verb, said: list[object]) -> None:
    as_lmplz = ["build", "text", "--order", 3, "--discount-fallback", "--out", "a.arpa", "--prune", 0, 1, 2]
    assert lm(*as_lmplz)[0] == 0
    assert lm("build", "text", *said, "--order", 3, "--discount-fallback", "--out", "b.arpa")[0] == 0
    assert Path("a.arpa").read_bytes() == Path("b.arpa").read_bytes()
    assert len(read_arpa("a.arpa")[0].orders[2].words) > 0


def test_memory_vocabulary_and_characters(lm: Verb) -> None:
    common = ["build", "text", "--order", 2, "--discount-fallback", "--out"]
    assert lm(*common, "a.arpa")[0] == lm(*common, "b.arpa", "--memory", "0.001")[0] == 0
    assert Path("a.arpa").read_bytes() == Path("b.arpa").read_bytes()
    Path("words").write_text("b\na\n")
    assert lm(*common, "c.arpa", "--vocab", "words")[0] == 0
    assert read_arpa("c.arpa")[0].words == ("<unk>", "<s>", "</s>", "b", "a")
    assert lm(*common, "d.arpa", "--units", "chars")[0] == 0
    assert "|" in read_arpa("d.arpa")[0].words
    assert "0 OOV" in lm("score", "d.arpa", "text", "--units", "chars")[1]


@pytest.mark.parametrize(
    "arguments, complaint",
    [
        (["build", "text", "--order", 3, "--out", "m"], "1-grams: .*--discount-fallback"),
        (["build", "none", "--order", 3, "--out", "m"], "none: no such file"),
        (["build", "text", "--order", 0, "--out", "m"], "--order 0"),
        (["build", "text", "--order", 2, "--out", "m", "--prune", "x"], "'x' is no count"),
        (["build", "text", "--order", 2, "--out", "m", "--prune", "0 -1"], "'-1' is no count"),
        (["build", "0", "--order", 2, "--out", "m", "--prune", "0"], "no text"),
        (["build", "text", "--order", 2, "--out", "m", "--units", "letters"], "--units letters"),
        (["build", "text", "--order", 2, "--out", "m", "--memory", "0"], "--memory 0"),
        (["info", "text"], "text:1: 'a b c' where .*data.* is due"),
        (["score", "none", "text"], "none: no such file"),
        (["prune", "text", "--threshold", "1e-8", "--out", "m"], "text:1: "),
    ],
)
def test_mistakes_are_one_line(lm: Verb, arguments: list[object], complaint: str) -> None:
    code, _, err = lm(*arguments)
    assert code == 2 and re.match(f"error: .*{complaint}", err) and err.count("\n") == 1, err
    assert sorted(path.name for path in Path().iterdir()) == ["text", "text.gz"]


def test_help_loads_nothing_heavy() -> None:
    code = "import sys, asr.cli; print(any(name in sys.modules for name in ('numpy', 'torch', 'numba')))"
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(cli.__file__).parents[2]
    )
    assert found.stdout == "False\n"
