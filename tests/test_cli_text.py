"""`asr tokenizer train` and `asr lexicon`, and models trained on what they write, from end to end."""

import importlib.util
from pathlib import Path

import pytest
import yaml
from tones import tiny_tree, write_corpus
from units import spelt_lexicon
from verbs import Verb

from asr.build import load_system
from asr.data.manifest import read_manifest
from asr.text.bpe import PieceTokenizer
from asr.text.lexicon import read_lexicon, write_lexicon

needs_extra = pytest.mark.skipif(
    importlib.util.find_spec("espeakng_loader") is None, reason="the extra 'synth' is not installed"
)


@pytest.fixture
def asr(verb: Verb, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Verb:
    """`asr …` in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return verb


def refused(ended: tuple[int, str, str]) -> str:
    """The one line about a user's mistake."""
    code, out, err = ended
    assert code == 2 and err.startswith("error: ") and err.count("\n") == 1, out + err
    return err.removeprefix("error: ")


@pytest.mark.parametrize("kind", ["bpe", "unigram"])
def test_a_piece_model_is_made_trained_with_and_evaluated(asr: Verb, tmp_path: Path, kind: str) -> None:
    write_corpus(tmp_path, train=8, dev=3)
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(tiny_tree(tmp_path, epochs=1)))
    code, out, _ = asr("tokenizer", "train", "train.jsonl", "--kind", kind, "--size", 12, "--out", "made/x.model")
    tokens = {"bpe": 12, "unigram": 8}[kind]  # more unigrams than these few words have do not pay
    assert code == 0 and out.startswith(f"made/x.model: {tokens} tokens from 8 texts (NFKC, lower case")
    assert f"text.tokenizer={kind} text.tokenizer_model=made/x.model" in out
    options = [f"text.tokenizer={kind}", "text.tokenizer_model=made/x.model"]
    assert asr("train", "tiny.yaml", *options)[0] == 0
    model = Path("made/x.model").read_bytes()
    Path("made/x.model").unlink()
    assert load_system(Path("runs/tiny"), "cpu").tokenizer.tokens == PieceTokenizer(model).tokens  # type: ignore[arg-type]
    code, out, _ = asr("evaluate", "runs/tiny", "dev.jsonl")
    assert code == 0 and "WER" in out
    code, out, _ = asr("align", "runs/tiny", "dev.jsonl")
    words = [line.split()[4] for line in Path("runs/tiny/alignments/dev.ctm").read_text().splitlines()]
    assert code == 0 and words == [w for u in read_manifest(Path("dev.jsonl")) for w in u.text.split()]


@pytest.mark.parametrize("kind", ["phoneme", "triphone"])
def test_a_lexicon_is_enough_to_train_evaluate_and_align(asr: Verb, tmp_path: Path, kind: str) -> None:
    write_corpus(tmp_path, train=8, dev=3)
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(tiny_tree(tmp_path, epochs=1)))
    write_lexicon(tmp_path / "base.txt", spelt_lexicon([u.text for u in read_manifest(tmp_path / "train.jsonl")]))
    code, out, _ = asr("lexicon", "train.jsonl", "dev.jsonl", "--base", "base.txt", "--out", "l.txt")
    assert code == 0 and out == "l.txt: 4 words, 0 of them said by eSpeak NG, 4 phones\n"
    assert Path("l.txt").read_text() == Path("base.txt").read_text()
    options = [f"text.tokenizer={kind}", "text.lexicon=l.txt", "text.triphone_count=2"]
    assert asr("train", "tiny.yaml", *options)[0] == 0
    Path("l.txt").unlink()
    assert asr("evaluate", "runs/tiny", "dev.jsonl")[0] == asr("align", "runs/tiny", "dev.jsonl")[0] == 0
    words = [line.split()[4] for line in Path("runs/tiny/alignments/dev.ctm").read_text().splitlines()]
    assert words == [w for u in read_manifest(Path("dev.jsonl")) for w in u.text.split()]
    said = refused(asr("evaluate", "runs/tiny", "dev.jsonl", "text.tokenizer=characters"))
    assert said.startswith("text.tokenizer=characters: cannot change the units of a trained model; expected")


@needs_extra
def test_lexicons_of_texts(asr: Verb, tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("Church, church!\nONE zero\n")
    (tmp_path / "base.txt").write_text(";;; ours\nZERO  Z IH1 R OW0\nZERO(1)  Z IY1 R OW0\nNEVER  N EH1 V ER0\n")
    code, out, _ = asr("lexicon", "words.txt", "--base", "base.txt", "--out", "l.txt")
    assert code == 0 and out == "l.txt: 4 words, 2 of them said by eSpeak NG, 12 phones\n"
    assert Path("l.txt").read_text() == (
        "zero  Z IH R OW\nzero(1)  Z IY R OW\nnever  N EH V ER\nchurch  CH ER CH\none  W AH N\n"
    )
    assert asr("lexicon", "words.txt", "--base", "base.txt", "--out", "l.txt", "--only")[0] == 0
    assert set(read_lexicon(Path("l.txt")).pronunciations) == {"zero", "church", "one"}


@needs_extra
def test_words_are_written_as_the_configuration_says(asr: Verb, tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("One\n")
    (tmp_path / "c.yaml").write_text("data:\n  train: a\n  dev: b\ntext:\n  case: upper\n")
    assert asr("lexicon", "words.txt", "--config", "c.yaml", "--out", "l.txt")[0] == 0
    assert Path("l.txt").read_text() == "ONE  W AH N\n"


@needs_extra
def test_words_without_sounds_are_named_and_the_rest_is_written(asr: Verb, tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("zwei acht\n")
    said = refused(asr("lexicon", "words.txt", "--language", "de", "--phones", "arpabet", "--out", "l.txt"))
    assert said.startswith("word 'zwei': 'ts' is no sound of English") and Path("l.txt").read_text() == "acht  AE K T\n"


def test_mistakes(asr: Verb, tmp_path: Path) -> None:
    (tmp_path / "empty.txt").write_text("!\n")
    (tmp_path / "words.txt").write_text("one two\n")
    assert "--kind wordpiece: is unknown" in refused(
        asr("tokenizer", "train", "words.txt", "--kind", "wordpiece", "--out", "x")
    )
    assert "expected at least 7, a blank" in refused(asr("tokenizer", "train", "words.txt", "--size", 3, "--out", "x"))
    assert "no text to learn pieces from" in refused(asr("tokenizer", "train", "empty.txt", "--out", "x"))
    assert "none.txt: cannot be read" in refused(asr("tokenizer", "train", "none.txt", "--out", "x"))
    assert "--phones sampa: is unknown" in refused(asr("lexicon", "words.txt", "--phones", "sampa", "--out", "x"))
    assert "empty.txt: holds no word" in refused(asr("lexicon", "empty.txt", "--out", "x"))
    assert "none.txt: no such file" in refused(asr("lexicon", "words.txt", "--base", "none.txt", "--out", "x"))
    assert not (tmp_path / "x").exists()


def test_lexicon_without_the_extra(asr: Verb, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "words.txt").write_text("one\n")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert "lexicon: espeakng-loader (GPL-3, run as a separate process) is not installed" in refused(
        asr("lexicon", "words.txt", "--out", "x")
    )
