"""What the page says is what the check found: figures, tables and coverage of a small corpus."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from tones import RATE, sound, tiny_tree, write_corpus

from asr.audio.io import write_wav
from asr.checking import Checked, check_manifests
from asr.data.manifest import read_manifest, write_manifest
from asr.doctor.doubts import Agreement, Doubts
from asr.doctor.page import page_of
from asr.evaluation.data_report import DataPage, Doubt


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Eight and three utterances; the last of dev is clipped, and says a word of its own."""
    write_corpus(tmp_path, train=8, dev=3, speaker="ann")
    dev = read_manifest(tmp_path / "dev.jsonl")
    write_wav(dev[-1].audio, np.clip(9 * sound(dev[-1].text, 102), -0.5, 0.5), RATE)
    write_manifest(tmp_path / "dev.jsonl", [*dev[:-1], replace(dev[-1], text="ab bb")])
    return tmp_path


def check(folder: Path, **decoding: str) -> Checked:
    (folder / "c.yaml").write_text(yaml.safe_dump(tiny_tree(folder) | ({"decoding": decoding} if decoding else {})))
    return check_manifests([folder / "train.jsonl", folder / "dev.jsonl"], folder / "c.yaml")


def page(folder: Path, doubts: Doubts | None = None, **decoding: str) -> DataPage:
    return page_of(check(folder, **decoding), doubts, 2.0)


def test_findings_are_those_of_the_report(corpus: Path) -> None:
    checked = check(corpus)
    shown = page_of(checked, None, 2.0)
    said = [line for _, _, lines in shown.findings for line in lines]
    assert sorted(said) == sorted(f.message for f in (*checked.report.errors, *checked.report.warnings))
    assert {kind for title, kind, _ in shown.findings if title == "warning"} >= {"clipping", "shared sentences"}


def test_figures_and_notes_of_every_utterance(corpus: Path) -> None:
    shown = page(corpus)
    assert [line.id for line in shown.lines] == [f"train-{i}" for i in range(8)] + [f"dev-{i}" for i in range(3)]
    last = shown.lines[-1]
    assert last.notes == ["clipping"] and last.figures["clipped"] > 1 and last.figures["words"] == 2
    assert last.figures["rate"] == pytest.approx(5 / last.figures["seconds"]) and last.speaker == "ann"
    assert all("level" in line.figures and line.figures["bandwidth"] == RATE / 2 for line in shown.lines)
    (row,) = shown.formats
    assert (row["format"], row["rate"], row["channels"], row["files"]) == ("wav", RATE, 1, 11)
    assert row["hours"] == pytest.approx(sum(line.figures["seconds"] for line in shown.lines) / 3600)


def test_characters_are_counted_in_each_manifest(corpus: Path) -> None:
    texts = {split: "".join(u.text for u in read_manifest(corpus / f"{split}.jsonl")) for split in ("train", "dev")}
    for row in page(corpus).characters:
        assert row["counts"] == [texts["train"].count(row["character"]), texts["dev"].count(row["character"])]


def test_characters_outside_the_alphabet_come_first(corpus: Path) -> None:
    dev = read_manifest(corpus / "dev.jsonl")
    write_manifest(corpus / "dev.jsonl", [replace(dev[0], text="aé"), *dev[1:]])
    assert [(row["character"], row["known"]) for row in page(corpus).characters][:1] == [("é", False)]


def test_words_of_lexicon_and_language_model(corpus: Path) -> None:
    first, dev = page(corpus).coverage
    assert dev["outside"] == {str(corpus / "train.jsonl"): 1 / 4} and dev["unknown"] == ("bb",)
    assert first["perplexity"] is None and first["outside"] == {str(corpus / "train.jsonl"): 0.0}
    (corpus / "words.txt").write_text("ab\ncd\n")
    (corpus / "lm.arpa").write_text(
        "\\data\\\nngram 1=4\n\n\\1-grams:\n-0.60206\t<unk>\n-99\t<s>\n-0.60206\t</s>\n-0.30103\tab\n\n\\end\\\n"
    )
    _, dev = page(corpus, lexicon=str(corpus / "words.txt"), lm=str(corpus / "lm.arpa"), kind="beam").coverage
    assert dev["outside"]["the lexicon"] == 1 / 4
    outside = dev["outside"]["the language model"]
    assert outside == 2 / 4  # of ab, cd, ab bb
    tokens = [0.5, 0.25, 0.25, 0.25, 0.5, 0.25, 0.25]  # ab </s> cd </s> ab bb </s>
    assert dev["perplexity"] == pytest.approx(np.exp(-np.mean(np.log(tokens))), rel=1e-4)


def test_what_manifests_share(corpus: Path) -> None:
    train, dev = read_manifest(corpus / "train.jsonl"), read_manifest(corpus / "dev.jsonl")
    write_manifest(corpus / "dev.jsonl", [*dev, replace(train[3], id="again")])
    (row,) = page(corpus).overlaps
    assert (row["recordings"], row["speakers"], row["near_recordings"]) == (1, 1, 0)
    assert row["texts"] == pytest.approx(3 / 4)
    (copy,) = page(corpus).copies
    assert (copy["first"], copy["second"], copy["same_samples"]) == ("train-3", "again", True)


def test_near_copies_are_counted(corpus: Path) -> None:
    long = np.concatenate([sound(text, i) for i, text in enumerate(("ab cd", "da bc ab", "cd da", "bc bc"))])
    for split, wave in (("train", long), ("dev", 0.5 * long)):
        utterances = read_manifest(corpus / f"{split}.jsonl")
        write_wav(corpus / f"{split}.wav", wave, RATE)
        new = replace(utterances[0], id=f"{split}-l", audio=corpus / f"{split}.wav", duration=len(wave) / RATE)
        write_manifest(corpus / f"{split}.jsonl", [*utterances, new])
    assert page(corpus).overlaps[0]["near_recordings"] == 1
    assert [(row["second"], row["same_samples"]) for row in page(corpus).copies] == [("dev-l", False)]


def test_doubts_and_facts(corpus: Path) -> None:
    doubt = Doubt(str(corpus / "dev.jsonl"), "dev-1", 2.0, "ab", "cd")
    gaps = {"dev-0": 0.25, "dev-1": 2.0, "dev-2": 0.0}
    doubts = Doubts([doubt], [Agreement(str(corpus / "dev.jsonl"), gaps, 0.5, [])])
    checked = check(corpus).with_warnings(doubts.findings())
    shown = page_of(checked, doubts, 2.0)
    assert shown.doubts == [doubt] and shown.lines[9].notes == ["text and audio disagree"]
    seconds = sum(line.figures["seconds"] for line in shown.lines)
    assert f"in 2.0 s: {seconds / 2:.0f} × real time" in shown.facts["read"]
    assert [line.figures.get("gap") for line in shown.lines[7:]] == [None, 0.25, 2.0, 0.0]
    aligned = shown.facts[f"aligned {corpus / 'dev.jsonl'}"]
    assert aligned.startswith("3 transcripts, 0 could not be; gap in the middle 0.25 nats a token, of outliers above")
    assert page(corpus).doubts is None


def test_notes_are_of_the_manifest_they_were_found_in(corpus: Path) -> None:
    dev = read_manifest(corpus / "dev.jsonl")
    write_manifest(corpus / "dev.jsonl", [*dev[:-1], replace(dev[-1], id="train-0", text="aé")])
    lines = page(corpus).lines
    assert lines[0].id == lines[-1].id == "train-0" and lines[0].notes == []
    assert set(lines[-1].notes) >= {"clipping", "shared id", "character outside the alphabet"}


def test_a_recording_that_cannot_be_read_has_no_figures(corpus: Path) -> None:
    train = read_manifest(corpus / "train.jsonl")
    train[0].audio.write_bytes(b"")
    line = page(corpus).lines[0]
    assert line.notes == ["unreadable audio"] and set(line.figures) == {"seconds", "words", "rate"}
