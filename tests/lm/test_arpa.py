"""ARPA files: round trips, other tools' habits, and every way a file can be wrong, with its line."""

import gzip
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lm_oracles import as_dict

from asr.errors import LanguageModelError
from asr.lm.arpa import read_arpa
from asr.lm.blocks import blocks
from asr.lm.estimate import Recipe, estimate
from asr.lm.tables import Tables
from asr.lm.writing import write_arpa

LN10 = math.log(10)
GOOD = """
\\data\\
ngram 1=4
ngram 2=2
ngram 3=1

\\1-grams:
-1\t<unk>
-99\t<s>\t-0.5
-0.5\t</s>
-.25\té\t-1e-1

\\2-grams:
-0.3\t<s> é\t0.125
-0.4\té é\t-0.0

\\3-grams:
-0.1\t<s> é é

\\end\\
"""


def model(path: Path) -> Tables:
    path.write_text("a b a\na c\nb\nb c d e\na b\n")
    return estimate([path], Recipe(3, discount_fallback=True))


def read(path: Path, text: str) -> Tables:
    path.write_text(text)
    return read_arpa(path)[0]


def test_reads_what_is_written_there(tmp_path: Path) -> None:
    found = as_dict(read(tmp_path / "x.arpa", GOOD))
    right = {
        ("<unk>",): (-1, 0), ("<s>",): (-99, -0.5), ("</s>",): (-0.5, 0), ("é",): (-0.25, -0.1),
        ("<s>", "é"): (-0.3, 0.125), ("é", "é"): (-0.4, 0), ("<s>", "é", "é"): (-0.1, 0),
    }  # fmt: skip
    assert found.keys() == right.keys()
    assert all(found[gram] == pytest.approx([v * LN10 for v in right[gram]]) for gram in right)


@pytest.mark.parametrize(
    "text",
    [
        GOOD.replace("\n", "\r\n"),
        "\ufeff" + GOOD,
        GOOD.strip(),
        GOOD.replace("\t", " "),
        GOOD.replace("\n\n", "\n\n\n"),
        GOOD.replace("ngram 1=4", "ngram  1 = 4"),
        GOOD + "whatever follows\n",
        GOOD.replace("<s> é é", "<s> é é\t0"),
    ],
    ids=["crlf", "bom", "unended", "spaces", "blanks", "wide", "tail", "zero"],
)
def test_reads_what_other_tools_write(tmp_path: Path, text: str) -> None:
    assert as_dict(read(tmp_path / "x", text)) == as_dict(read(tmp_path / "y", GOOD))


@pytest.mark.parametrize("name", ["m.arpa", "m.arpa.gz"])
def test_round_trip(tmp_path: Path, name: str) -> None:
    before = model(tmp_path / "text")
    write_arpa(tmp_path / name, before)
    after, _ = read_arpa(tmp_path / name)
    assert after.words == before.words
    for a, b in zip(before.orders, after.orders, strict=True):
        assert np.array_equal(a.words, b.words)
        assert np.allclose(a.log_probs, b.log_probs, atol=1e-6) and np.allclose(a.backoffs, b.backoffs, atol=1e-6)
    again = tmp_path / f"again-{name}"
    write_arpa(again, before)
    assert again.read_bytes() == (tmp_path / name).read_bytes()
    assert not list(tmp_path.glob(".*"))


@settings(max_examples=200, deadline=None)
@given(st.floats(-1e6, 0) | st.floats(-1e-3, 0), st.sampled_from(["{!r}", "{:.7g}", "{:.3e}", "{:.12f}", "{:+g}"]))
def test_reads_numbers_as_python_does(tmp_path_factory: pytest.TempPathFactory, value: float, form: str) -> None:
    text = form.format(value)
    path = tmp_path_factory.mktemp("number") / "x"
    tables = read(path, f"\\data\\\nngram 1=1\n\n\\1-grams:\n{text}\ta\n\n\\end\\\n")
    assert tables.orders[0].log_probs[0] == pytest.approx(float(text) * LN10, rel=1e-14, abs=1e-300)


@pytest.mark.parametrize(
    "old, new, line, complaint",
    [
        ("\\data\\", "\\date\\", 2, "'\\\\\\\\date.*expected an ARPA file"),
        ("ngram 2=2", "ngram 3=2", 4, "expected ngram 2=COUNT"),
        ("ngram 2=2", "ngram 2=two", 4, "expected ngram 2=COUNT"),
        ("ngram 1=4\nngram 2=2\nngram 3=1\n", "", 3, "no counts"),
        ("ngram 1=4", "ngram 1=5", 12, "4 1-grams end here where .* promises 5"),
        ("ngram 2=2", "ngram 2=1", 16, "2 2-grams end here where .* promises 1"),
        ("\\2-grams:", "\\3-grams:", 13, "where .*2-grams: is due"),
        ("-0.4\té é\t-0.0", "-0.4\té", 15, "2 fields; expected 3 or 4"),
        ("-0.4\té é\t-0.0", "-0.4\té é é\t-0.0", 15, "5 fields; expected 3 or 4"),
        ("<s> é é", "<s> é é\t-0.1", 18, "5 fields; expected 4"),
        ("<s> é é", "<s> é é é", 18, "5 fields; expected 4"),
        ("-0.4\té", "-0.4x\té", 15, "'-0.4x' is no number"),
        ("-0.4\té", "nan\té", 15, "'nan' is no number"),
        ("-0.4\té", "--4\té", 15, "'--4' is no number"),
        ("-0.4\té", "-4e\té", 15, "'-4e' is no number"),
        ("\t-0.0", "\tzero", 15, "'zero' is no number"),
        ("-0.4\té é", "-0.4\té è", 15, "'è' is not among the 1-grams"),
        ("-.25\té", "-.25\t</s>", 11, "'</s>' stands twice"),
        ("-.25\té", "0.25\té", 11, "0.25 is above 0"),
        ("-0.4\té é", "-0.4\t<s> é", 15, "'<s> é' stands twice"),
        ("<s> é é", "<unk> é é", 18, "no context: '<unk> é' is not in the model"),
        ("-0.3\t<s> é", "\n-0.3\t<s> é", 14, "0 2-grams end here"),
        ("\\end\\\n", "", 19, "the file ends where .*end.* is due"),
        ("\n\\3-grams:\n-0.1\t<s> é é\n\n\\end\\\n", "", 15, "the file ends where .*3-grams: is due"),
    ],
)
def test_says_what_is_wrong_and_where(tmp_path: Path, old: str, new: str, line: int, complaint: str) -> None:
    assert GOOD.count(old) == 1
    with pytest.raises(LanguageModelError, match=f"^{tmp_path}/x.arpa:{line}: .*({complaint})") as error:
        read(tmp_path / "x.arpa", GOOD.replace(old, new))
    assert str(error.value).count("; ") == 2 and "\n" not in str(error.value)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    whole = gzip.compress(GOOD.encode() * 100)
    (tmp_path / "short.gz").write_bytes(whole[:-40])
    with pytest.raises(LanguageModelError, match=r"short\.gz: the gzip data ends early"):
        list(blocks(tmp_path / "short.gz"))
    (tmp_path / "short.arpa.gz").write_bytes(gzip.compress(GOOD.encode())[:-12])
    with pytest.raises(LanguageModelError, match="ends early"):
        read_arpa(tmp_path / "short.arpa.gz")
    (tmp_path / "bad.gz").write_bytes(whole[:20] + b"\0\0\0\0" + whole[24:])
    with pytest.raises(LanguageModelError, match=r"bad\.gz: "):
        list(blocks(tmp_path / "bad.gz"))
    with pytest.raises(LanguageModelError, match="none: no such file"):
        read_arpa(tmp_path / "none")
    with pytest.raises(LanguageModelError, match="cannot be read"):
        read_arpa(tmp_path)
    with pytest.raises(LanguageModelError, match=r"the file ends where \\data\\ is due"):
        read(tmp_path / "empty", "")


@pytest.mark.parametrize("size", [1, 2, 7, 64, 1 << 20])
def test_blocks_are_whole_lines_whatever_their_size(tmp_path: Path, size: int) -> None:
    (tmp_path / "x").write_text(GOOD.rstrip("\n"))
    seen, line = b"", 1
    for data, number in blocks(tmp_path / "x", size):
        assert number == line and data[-1] == 10
        seen, line = seen + data.tobytes(), line + int((data == 10).sum())
    assert seen == (GOOD.rstrip("\n") + "\n").encode()


def test_vocabularies_grow_while_reading(tmp_path: Path) -> None:
    lines = "".join(f"-5\tword{i}\n" for i in range(20_000))
    tables = read(tmp_path / "x", f"\\data\\\nngram 1=20000\n\n\\1-grams:\n{lines}\n\\end\\\n")
    assert tables.words == tuple(f"word{i}" for i in range(20_000))
