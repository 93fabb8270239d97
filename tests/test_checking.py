"""The check verb exits 2 exactly when training would fail or be wrong: checks beside the configuration they honour."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from tones import tiny_tree, write_corpus
from units import KINDS, text_options

from asr.checking import check_manifests
from asr.data.findings import Report
from asr.data.manifest import read_manifest, write_manifest
from asr.errors import ConfigError


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    write_corpus(tmp_path, train=6, dev=2)
    return tmp_path


def checked(corpus: Path, **sections: dict[str, Any]) -> Report:
    tree = tiny_tree(corpus)
    for name, section in sections.items():
        tree[name] = tree.get(name, {}) | section
    (corpus / "c.yaml").write_text(yaml.safe_dump(tree))
    return check_manifests([corpus / "train.jsonl", corpus / "dev.jsonl"], corpus / "c.yaml").report


def kinds(findings: tuple) -> set[str]:
    return {finding.kind for finding in findings}


def say(path: Path, index: int, **fields: Any) -> None:
    utterances = read_manifest(path)
    utterances[index] = replace(utterances[index], **fields)
    write_manifest(path, utterances)


def test_a_sound_corpus_is_sound(corpus: Path) -> None:
    assert checked(corpus).ok and "target too long" not in kinds(checked(corpus).warnings)


def test_the_first_manifest_is_the_alphabet(corpus: Path) -> None:
    say(corpus / "dev.jsonl", 0, text="é")
    for config in (None, corpus / "c.yaml"):
        (corpus / "c.yaml").write_text(yaml.safe_dump(tiny_tree(corpus)))
        report = check_manifests([corpus / "train.jsonl", corpus / "dev.jsonl"], config).report
        assert kinds(report.errors) == {"character outside the alphabet"}
        assert check_manifests([corpus / "dev.jsonl"], config).report.ok


def test_a_manifest_named_twice_is_refused(corpus: Path) -> None:
    again = corpus / "audio" / ".." / "train.jsonl"
    with pytest.raises(ConfigError, match="is named twice; expected every manifest once"):
        check_manifests([corpus / "train.jsonl", again], None)


def test_what_the_configuration_drops_is_no_error(corpus: Path) -> None:
    say(corpus / "train.jsonl", 0, text="ab" * 100)
    assert kinds(checked(corpus).errors) == {"target too long"}
    report = checked(corpus, data={"infeasible": "drop"})
    assert report.ok and "target too long" in kinds(report.warnings)


def test_dev_utterances_that_cannot_fit_are_no_error(corpus: Path) -> None:
    say(corpus / "dev.jsonl", 0, text="ab" * 100)
    report = checked(corpus)
    assert report.ok and "target too long" in kinds(report.warnings)


def test_the_fastest_speed_counts_for_training(corpus: Path) -> None:
    shortest = read_manifest(corpus / "train.jsonl")[0].duration
    labels = int(shortest / 0.03) - 3  # a frame of the model is 30 ms: fits as it is, and not at twice the speed
    for split in ("train", "dev"):
        say(corpus / f"{split}.jsonl", 0, text=("ab" * labels)[:labels])
    assert "target too long when faster" not in kinds(checked(corpus).warnings)
    report = checked(corpus, perturb={"speed": [0.9, 2.0]})
    faster = [finding for finding in report.warnings if finding.kind == "target too long when faster"]
    assert report.ok and [finding.message[:12] for finding in faster] == ["utt train-0:"]


def test_what_is_left_out_by_duration_is_only_counted(corpus: Path) -> None:
    say(corpus / "train.jsonl", 0, text="x" * 200)
    shortest = read_manifest(corpus / "train.jsonl")[0].duration
    report = checked(corpus, data={"min_duration": shortest + 0.001})
    assert report.ok and "of 6 training utterances are outside" in report.warnings[0].message
    assert "x" not in {character.character for character in report.characters}
    report = checked(corpus, data={"min_duration": 20.0})
    assert "left out" in kinds(report.errors), "training would find nothing to learn from"


# ── units ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_units_is_checked_as_it_is_trained(corpus: Path, kind: str) -> None:
    texts = [u.text for u in read_manifest(corpus / "train.jsonl")]
    options = text_options(kind, texts, corpus).model_dump(mode="json", exclude_defaults=True)
    assert checked(corpus, text=options).ok
    say(corpus / "dev.jsonl", 1, text="ab aé")
    report = checked(corpus, text=options)
    if kind in ("phoneme", "triphone"):
        assert kinds(report.errors) == {"word outside the lexicon"} and not any(not c.known for c in report.characters)
        assert [(w.word, w.count, w.example) for w in report.words] == [("aé", 1, "dev-1")]
        assert "words outside the lexicon: count, first utterance\n  aé " in report.render()
        assert "utt dev-1: 'aé', 1 times in all, is not in the lexicon" in report.render()
    else:
        assert kinds(report.errors) == {"character outside the alphabet"} and not report.words


def test_long_lists_of_unknown_words_are_cut(corpus: Path) -> None:
    options = text_options("phoneme", ["ab cd da bc"], corpus).model_dump(mode="json", exclude_defaults=True)
    say(corpus / "dev.jsonl", 1, text=" ".join(f"a{i}" for i in range(53)))
    assert "\n  … and 3 more\n" in checked(corpus, text=options).render()


def test_pieces_need_fewer_frames_than_characters(corpus: Path) -> None:
    """Whether targets fit is asked of the units there are."""
    for i in range(6):
        say(corpus / "train.jsonl", i, text="abcdabcd" * 8)
    assert kinds(checked(corpus).errors) == {"target too long"}
    assert checked(corpus, text={"tokenizer": "bpe", "vocabulary_size": 40}).ok


def test_texts_that_are_all_empty_are_a_finding_with_any_units(corpus: Path) -> None:
    for i in range(6):
        say(corpus / "train.jsonl", i, text="!")
    report = checked(corpus, text={"tokenizer": "bpe"})
    assert "empty text" in kinds(report.errors)
