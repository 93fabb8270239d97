"""Pronunciation lexicons: the format of CMUdict read strictly, and written so that it reads back."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr.errors import VocabularyError
from asr.text.lexicon import Lexicon, read_lexicon, write_lexicon
from asr.text.normalize import Normalizer

CMUDICT = """\
;;; # CMUdict  --  a comment
!EXCLAMATION-POINT  EH2 K S
AALBORG  AO1 L B AO0 R G # place, danish
READ  R EH1 D
READ(1)  R IY1 D
READ(2)  R EH2 D

TWO  T UW1
TO  T UW1
\tTOO\tT  UW1\t
"""


@pytest.fixture
def written(tmp_path: Path):
    """A function that writes a lexicon file; → its path."""

    def write(text: str | bytes) -> Path:
        path = tmp_path / "words.lexicon"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def test_cmudict(written) -> None:
    lexicon = read_lexicon(written(CMUDICT), Normalizer())
    assert lexicon.pronunciations == {
        "aalborg": (("AO", "L", "B", "AO", "R", "G"),),
        "read": (("R", "EH", "D"), ("R", "IY", "D")),  # the third differs in stress only
        "two": (("T", "UW"),),
        "to": (("T", "UW"),),
        "too": (("T", "UW"),),
    }
    assert len(lexicon) == 5 and "two" in lexicon and "TWO" not in lexicon
    assert lexicon.phones == ("AO", "B", "D", "EH", "G", "IY", "L", "R", "T", "UW")
    assert lexicon.words["T", "UW"] == "two", "the first of words that sound alike"


def test_stress_can_stay_and_is_arpabets_alone(written) -> None:
    path = written("READ  R EH1 D\nREAD(2)  R EH2 D\nodd @2 3: aI3 t1 AH3\n")
    assert read_lexicon(path, strip_stress=False).pronunciations["READ"] == (("R", "EH1", "D"), ("R", "EH2", "D"))
    assert read_lexicon(path).pronunciations == {
        "READ": (("R", "EH", "D"),),
        "odd": (("@2", "3:", "aI3", "t1", "AH3"),),
    }


def test_words_that_are_written_alike_are_one(written) -> None:
    path = written("'CAUSE  K AH0 Z\nCAUSE  K AA1 Z\nCAUSE  K AO1 Z\n")
    assert read_lexicon(path, Normalizer()).pronunciations == {
        "cause": (("K", "AH", "Z"), ("K", "AA", "Z"), ("K", "AO", "Z"))
    }


@pytest.mark.parametrize(
    "text, said",
    [
        ("A  AH0\nB\n", r"words\.lexicon:2: 'B' has no phones; expected `WORD  P1 P2 …`; add them"),
        ("A  AH0\n\nB(1)  B IY1\n", r"words\.lexicon:3: 'B\(1\)' is a variant of no word above; expected 'B' first"),
        ("B  # nothing but a comment\n", r"words\.lexicon:1: 'B' has no phones"),
        (";;; nothing\n", r"words\.lexicon: holds no word; expected lines"),
        ("", r"words\.lexicon: holds no word; expected lines"),
        (b"D\xc9J\xc0  D EY2\n", r"words\.lexicon: cannot be read .*; expected UTF-8 text"),
    ],
)
def test_mistakes_name_file_and_line(written, text: str | bytes, said: str) -> None:
    with pytest.raises(VocabularyError, match=said):
        read_lexicon(written(text))


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(VocabularyError, match=r"none: no such file; expected a pronunciation lexicon; `asr lexicon`"):
        read_lexicon(tmp_path / "none")


@pytest.mark.parametrize("pronunciations", [{"": [["a"]]}, {"a b": [["a"]]}, {"a": []}, {"a": [[]]}])
def test_what_is_no_entry_is_refused(pronunciations: dict) -> None:
    with pytest.raises(VocabularyError, match="expected a word and phones"):
        Lexicon(pronunciations)


WORDS = st.text("abcäö'-", min_size=1, max_size=5)
WAYS = st.lists(st.lists(st.sampled_from(["AH", "K", "ɪ", "tʃ", "@2"]), min_size=1, max_size=4), min_size=1, max_size=3)


@given(st.dictionaries(WORDS, WAYS, min_size=1, max_size=5))
def test_round_trips(tmp_path_factory: pytest.TempPathFactory, pronunciations: dict) -> None:
    """Through the file and through the lines that a model keeps: equal, in order."""
    lexicon = Lexicon(pronunciations)
    path = tmp_path_factory.mktemp("lexicon") / "l.txt"
    write_lexicon(path, lexicon)
    for again in (read_lexicon(path), Lexicon.from_lines(lexicon.lines())):
        assert list(again.pronunciations.items()) == list(lexicon.pronunciations.items())
