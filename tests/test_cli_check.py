"""`asr check` from end to end: the page, what it keeps, the model's doubts, exit codes and mistakes."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from tones import tiny_tree, write_corpus
from verbs import Verb

from asr.config import config_from_tree
from asr.data import recordings
from asr.data.manifest import read_manifest, write_manifest
from asr.runs import run_training


@pytest.fixture
def check(verb: Verb) -> Verb:
    """`asr check …`."""
    return partial(verb, "check")


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    write_corpus(tmp_path, train=6, dev=3)
    return tmp_path


def test_a_page_and_what_is_kept_beside_it(check: Verb, corpus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report = corpus / "deep" / "data.html"
    code, out, err = check(corpus / "train.jsonl", corpus / "dev.jsonl", "--report", report)
    assert (code, err) == (0, "") and out.endswith(f"written: {report}\n") and "train-0" in report.read_text()
    assert {path.name for path in report.parent.iterdir()} == {"data.html", "data.measured.jsonl"}
    monkeypatch.setattr(recordings, "_read", lambda *arguments: pytest.fail("read again"))
    again = check(corpus / "train.jsonl", corpus / "dev.jsonl", "--report", report)
    assert (again[0], again[1].splitlines()[:-2], again[2]) == (code, out.splitlines()[:-2], err)
    assert "s of audio in " in out.splitlines()[-2] and out.splitlines()[-2].endswith("× real time")
    assert again[1].splitlines()[-2].startswith("read 0 s of audio in ")
    assert "9 of 9 files were read" in report.read_text()


def test_errors_end_with_2_and_the_page_is_there(check: Verb, corpus: Path) -> None:
    dev = read_manifest(corpus / "dev.jsonl")
    write_manifest(corpus / "dev.jsonl", [replace(dev[0], text="é"), *dev[1:]])
    code, out, _ = check(corpus / "train.jsonl", corpus / "dev.jsonl", "--report", corpus / "data.html")
    assert code == 2 and "outside the alphabet" in out and "E WITH ACUTE" in (corpus / "data.html").read_text()


def test_a_model_finds_the_wrong_transcript(check: Verb, tmp_path: Path) -> None:
    write_corpus(tmp_path, train=36, dev=20)
    tree = tiny_tree(tmp_path, epochs=6, lr=0.02, log_every=50, validate_every=3, average=2)
    assert run_training(config_from_tree(tree), tmp_path / "run", resume=False, say=lambda line: None)
    dev = read_manifest(tmp_path / "dev.jsonl")
    write_manifest(tmp_path / "dev.jsonl", [*dev[:7], replace(dev[7], text="da da da"), *dev[8:]])
    given = (tmp_path / "dev.jsonl", "--model", tmp_path / "run")
    code, out, _ = check(*given)
    assert code == 0 and "utt dev-7: in " in out and "where 'da da da' is written" in out
    assert "text and audio disagree (1)" in out and not list(tmp_path.glob("*.aligned.jsonl"))
    assert check(*given, "--report", tmp_path / "d.html")[0] == 0 and (tmp_path / "d.aligned.jsonl").exists()
    assert '<td class="id">dev-7' in (tmp_path / "d.html").read_text()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere.jsonl"], "nowhere.jsonl: no such manifest"),
        (["{}/train.jsonl", "--model", "nowhere"], "nowhere"),
        (["{}/train.jsonl", "features.n_mels=8"], "features.n_mels=8: changes no configuration; expected --config"),
        (["features.n_mels=8"], "MANIFEST: none is named"),
        (["{}/train.jsonl", "{}/train.jsonl"], "is named twice"),
        (["{}/train.jsonl", "--report", "{}/audio"], "is a folder"),
        (["{}/train.jsonl", "--report", "{}/dev.jsonl"], "dev.jsonl: is no .html; expected the page to write"),
        (["{}/train.jsonl", "--report", "{}/train.jsonl/d.html"], "train.jsonl"),
    ],
)
def test_mistakes_are_one_line(check: Verb, corpus: Path, arguments: list[str], said: str) -> None:
    code, _, err = check(*(argument.replace("{}", str(corpus)) for argument in arguments))
    assert code == 2 and err.count("\n") == 1 and err.startswith("error: ") and said in err


def test_a_folder_is_its_manifests(check: Verb, corpus: Path) -> None:
    assert check(corpus)[1] == check(corpus / "train.jsonl", corpus / "dev.jsonl")[1]


def test_paths_may_hold_an_equals_sign(check: Verb, tmp_path: Path) -> None:
    write_corpus(tmp_path / "lang=de", train=6, dev=3)
    assert check(tmp_path / "lang=de" / "train.jsonl")[0] == 0


def test_options_of_the_configuration_can_be_changed(check: Verb, corpus: Path) -> None:
    import yaml

    (corpus / "c.yaml").write_text(yaml.safe_dump(tiny_tree(corpus)))
    given = (corpus / "train.jsonl", "--config", corpus / "c.yaml")
    assert "outside 0 to 0.4 s" in check(*given, "data.max_duration=0.4")[1]
    assert "outside" not in check(*given)[1]
