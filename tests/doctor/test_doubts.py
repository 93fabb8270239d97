"""Transcripts a model disagrees with: the wrong one is found, kept, and not heard again."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from levels import HOP, RATE, READER, wave
from torch import Tensor

from asr.audio.io import write_wav
from asr.data.kept import Kept
from asr.doctor.doubts import Doubts, doubts_of, unpack_fit
from asr.inference.recogniser import Recogniser
from asr.types import Utterance


class _Counting(Recogniser):
    """A recogniser that reads the level of a frame as a token, and counts what it hears."""

    heard = 0

    def emissions(self, waveforms: list[Tensor]) -> list[Tensor]:
        self.heard += len(waveforms)
        return super().emissions(waveforms)


@pytest.fixture
def reader() -> _Counting:
    parts = (READER.features, READER.model, READER.tokenizer, READER.decoder)
    return _Counting(*parts, RATE)


@pytest.fixture
def corpus(tmp_path: Path) -> dict[str, list[Utterance]]:
    """Two manifests; in the second one text says what is not heard."""
    manifests: dict[str, list[Utterance]] = {"train": [], "test": []}
    for name, scripts in {"train": ["_a_b_", "_c_a_", "_b_c_"], "test": ["_a_c_", "_b_b_", "_c_c_"]}.items():
        for i, script in enumerate(scripts):
            path = tmp_path / f"{name}{i}.wav"
            write_wav(path, wave(script).numpy(), RATE)
            manifests[name].append(Utterance(f"{name}{i}", path, len(script) * HOP / RATE, script.replace("_", "")))
    manifests["test"][1] = replace(manifests["test"][1], text="ba")
    return manifests


Ask = Callable[..., Doubts]


@pytest.fixture
def ask(reader: _Counting, corpus: dict[str, list[Utterance]], tmp_path: Path) -> Ask:
    def found(digest: str = "m", **others: object) -> Doubts:
        kept: Kept[dict] = Kept(tmp_path / "k.jsonl", dict, unpack_fit)
        try:
            return doubts_of(reader, str.lower, digest, corpus, kept, **others)  # type: ignore[arg-type]
        finally:
            kept.close(finished=False)

    return found


def test_the_wrong_transcript_is_found(ask: Ask) -> None:
    shares: list[float] = []
    found = ask(advance=shares.append)
    (doubt,) = found.doubts
    assert (doubt.manifest, doubt.id, doubt.said, doubt.heard) == ("test", "test1", "ba", "bb")
    assert [len(a.gaps) for a in found.agreements] == [3, 3] and not any(a.failed for a in found.agreements)
    assert found.agreements[1].gaps["test1"] == doubt.gap > found.agreements[1].limit
    assert shares[-1] == 1.0 and shares == sorted(shares)
    (finding,) = found.findings()
    assert (finding.kind, finding.manifest, finding.ids) == ("text and audio disagree", "test", ("test1",))
    assert "utt test1: in test, the model hears 'bb' where 'ba' is written (" in finding.message


def test_the_worst_of_all_manifests_is_first(ask: Ask, corpus: dict[str, list[Utterance]]) -> None:
    corpus["train"][0] = replace(corpus["train"][0], text="abc")
    gaps = [doubt.gap for doubt in ask().doubts]
    assert len(gaps) == 2 and gaps == sorted(gaps, reverse=True)
    assert [doubt.id for doubt in ask().doubts] == ["test1", "train0"]


def test_what_was_heard_is_kept_by_model_text_and_recording(
    ask: Ask, reader: _Counting, corpus: dict[str, list[Utterance]]
) -> None:
    first = ask()
    assert reader.heard == 6 and ask() == first and reader.heard == 6
    corpus["test"][1] = replace(corpus["test"][1], text="bb")
    assert ask().doubts == [] and reader.heard == 7
    ask("another model")
    assert reader.heard == 13


def test_what_cannot_be_aligned_is_told_each_time(ask: Ask, corpus: dict[str, list[Utterance]]) -> None:
    corpus["train"][0] = replace(corpus["train"][0], text="xyz")
    corpus["train"][1] = replace(corpus["train"][1], text="abcabcabc")
    for _ in range(2):
        found = ask()
        failed = found.agreements[0].failed
        assert len(found.agreements[0].gaps) == 1 and len(failed) == 2
        assert {f.kind for f in found.findings()} == {"text and audio disagree", "not aligned"}
    assert any("train0" in str(error) for error in failed)


def test_a_manifest_whose_texts_are_shifted_is_said_to_be_wrong(ask: Ask, corpus: dict[str, list[Utterance]]) -> None:
    texts = [u.text for u in corpus["train"]]
    corpus["train"] = [replace(u, text=texts[i - 1]) for i, u in enumerate(corpus["train"])]
    finding = ask().findings()[0]
    assert (finding.kind, finding.manifest) == ("most texts and audio disagree", "train")
    assert "train: the model disagrees with most transcripts (" in finding.message


def test_a_model_of_another_alphabet_is_one_line(ask: Ask, corpus: dict[str, list[Utterance]]) -> None:
    corpus["train"] = [replace(corpus["train"][0], id=f"x{i}", text="xyz") for i in range(9)]
    found = [finding for finding in ask().findings() if finding.kind == "not aligned"]
    assert len(found) == 1 and "train: 9 of 9 transcripts cannot be laid" in found[0].message


@pytest.mark.parametrize("wrong", [None, 7, "x", [], {}, {"gap": "1", "said": "", "heard": ""}, {"gap": 1, "said": ""}])
def test_odd_lines_of_what_is_kept(wrong: object) -> None:
    with pytest.raises(ValueError):
        unpack_fit(wrong)
    assert unpack_fit({"gap": 1, "said": "a", "heard": "b"})["gap"] == 1
