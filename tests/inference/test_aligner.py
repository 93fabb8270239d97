"""Transcripts on their recordings: when words are said, which transcripts fit badly, and what cannot be aligned."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from levels import CERTAIN, HOP, RATE, READER, Reader, wave
from torch import Tensor

from asr.audio.io import write_wav
from asr.data.manifest import write_manifest
from asr.errors import AsrError, AudioError, ConfigError, LossError, ManifestError, VocabularyError
from asr.inference import alignments
from asr.inference.aligner import Aligned, aligned
from asr.inference.alignments import Fit, align_manifest, suspects, threshold
from asr.types import Utterance

Corpus = Callable[..., list[Utterance]]


@pytest.fixture
def corpus(tmp_path: Path) -> Corpus:
    """A function that records scripts, each with what a transcriber believes was said."""

    def record(*pairs: tuple[str, str]) -> list[Utterance]:
        utterances = []
        for i, (script, text) in enumerate(pairs):
            path = tmp_path / f"{i}.wav"
            write_wav(path, wave(script).numpy(), RATE)
            utterances.append(Utterance(f"u{i}", path, len(script) * HOP / RATE, text))
        return utterances

    return record


def _aligned(utterances: list[Utterance], **options: float) -> tuple[list[Aligned], list[AsrError]]:
    failed: list[AsrError] = []
    return list(aligned(READER, str.lower, utterances, failed.append, workers=0, **options)), failed


def test_words_and_tokens_and_their_times(corpus: Corpus) -> None:
    (found,), failed = _aligned(corpus(("_ab_b  _ _aa_c__", "ABB AC")))
    assert not failed and (found.id, found.duration, found.text) == ("u0", 0.32, "abb ac")
    assert [(w.text, w.start, w.end) for w in found.words] == [
        ("abb", pytest.approx(0.02), pytest.approx(0.10)),
        ("ac", pytest.approx(0.20), pytest.approx(0.28)),
    ]
    assert "".join(t.text for t in found.tokens) == "abb ac"
    assert [(round(t.start, 3), round(t.end, 3)) for t in found.tokens if t.text == "b"] == [(0.04, 0.06), (0.08, 0.1)]


def test_what_is_heard_fits_perfectly_and_at_the_times_of_its_transcript(corpus: Corpus) -> None:
    utterances = corpus(("_ab_b _aa_c__", "abb ac"), ("cab", "cab"), ("___", ""))
    found, _ = _aligned(utterances)
    heard = READER.transcribe_files([u.audio for u in utterances], workers=0)
    for of, transcript in zip(found, heard, strict=True):
        assert (of.text, of.heard, of.duration) == (transcript.text, transcript.text, transcript.duration)
        assert of.words == transcript.words and of.gap == pytest.approx(0, abs=1e-9)
    assert [w.score for w in found[0].words] == pytest.approx([CERTAIN, CERTAIN], abs=1e-6)
    assert found[0].score == pytest.approx(13 * CERTAIN, abs=1e-5)


def test_the_gap_is_the_price_of_the_transcript_for_each_token(corpus: Corpus) -> None:
    """A wrong letter costs 9 nats a frame; of a recording of nothing but silence, or without a text, too."""
    pairs = [("_a_b_c_", "abb"), ("_a_b_c_", "ab"), ("_a_b_c_", ""), ("____", "ab"), ("_aa_b_c", "bbc")]
    found, _ = _aligned(corpus(*pairs))
    assert [(f.text, f.heard) for f in found] == [(t, "".join(s.split("_")).replace("aa", "a")) for s, t in pairs]
    assert [f.gap for f in found] == pytest.approx([9 / 3, 9 / 3, 27 / 3, 18 / 2, 18 / 3], abs=1e-5)


@pytest.mark.parametrize("batch_seconds", [0.01, 0.2, 60.0])
def test_company_changes_nothing_and_the_order_stays(corpus: Corpus, batch_seconds: float) -> None:
    utterances = corpus(("a", "a"), ("b_c", "bc"), ("_", ""), ("c cc_c" * 8, "c" * 5), ("ab", "b"), ("_a_b", "ba"))
    together, _ = _aligned(utterances, batch_seconds=batch_seconds)
    assert together == [found for u in utterances for found in _aligned([u])[0]]


def test_what_cannot_be_aligned_is_named_and_the_rest_is_not_lost(corpus: Corpus) -> None:
    utterances = corpus(("abc", "abc"), ("ab", "ab?"), ("_a_a", "aaa"), ("abc", "a"), ("a", "a"))
    utterances[3].audio.write_bytes(b"no sound")
    found, failed = _aligned(utterances)
    assert [f.id for f in found] == ["u0", "u4"]
    assert [type(error) for error in failed] == [VocabularyError, AudioError, LossError]
    lines = [str(error) for error in failed]
    assert lines[0].startswith("utt u1: '?' (U+003F") and lines[1].startswith("utt u3: ")
    assert lines[2].startswith("utt u2: 3 labels need at least 5 frames but the model yields 4; expected room")


def test_a_transcript_ruled_out_is_named(corpus: Corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(READER.model, "forward", lambda x, n: (Reader().forward(x, n)[0].log() * 9, n))
    found, failed = _aligned(corpus(("abc", "abc"), ("abc", "acb")))
    assert [f.id for f in found] == ["u0"]
    assert [str(error).partition(";")[0] for error in failed] == ["utt u1: the model rules its transcript out"]


def test_an_utterance_is_a_stretch_of_its_file(tmp_path: Path) -> None:
    write_wav(tmp_path / "long.wav", wave("a_b_ca").numpy(), RATE)
    (found,), _ = _aligned([Utterance("late", tmp_path / "long.wav", 0.04, "ca", offset=0.08)])
    assert found.duration == 0.04 and [(w.text, w.start, w.end) for w in found.words] == [("ca", 0.0, 0.04)]


def test_times_end_with_the_recording(tmp_path: Path) -> None:
    write_wav(tmp_path / "cut.wav", wave("_a")[:25].numpy(), RATE)
    (found,), _ = _aligned([Utterance("cut", tmp_path / "cut.wav", 0.025, "a")])
    assert [(s.start, s.end) for s in (*found.words, *found.tokens)] == [(0.02, 0.025)] * 2


# ── which transcripts may be wrong ────────────────────────────────────────────────────────────────────────────────────


def test_the_threshold_is_the_floor_or_an_outlier() -> None:
    assert threshold([]) == threshold([0.0]) == threshold([0.0] * 9 + [7.0]) == 0.5
    gaps = [1.0, 1.1, 1.2, 1.3, 1.4, 9.0, 0.9]  # median 1.2, absolute deviations 0.2, 0.1, 0, 0.1, 0.2, 7.8, 0.3
    assert threshold(gaps) == pytest.approx(1.2 + 3.5 * 1.4826 * 0.2)


@given(st.lists(st.floats(0, 20), min_size=1, max_size=40), st.data())
def test_a_minority_of_wrong_transcripts_cannot_hide_itself(gaps: list[float], data: st.DataObject) -> None:
    """However large their gaps are, fewer than half of them do not move the threshold beyond all bounds."""
    wrong = data.draw(st.integers(0, (len(gaps) - 1) // 2))
    huge = sorted(gaps)[: len(gaps) - wrong] + [1e6] * wrong
    assert threshold(huge) <= 20 * (1 + 3.5 * 1.4826) + 0.5


def test_suspects_come_worst_first() -> None:
    fits = [Fit("a", 0.4, "", ""), Fit("b", 2.0, "", ""), Fit("c", 0.5, "", ""), Fit("d", 3.0, "", "")]
    assert [fit.id for fit in suspects(fits, 0.5)] == ["d", "b"]


def _manifest(folder: Path, utterances: list[Utterance]) -> Path:
    write_manifest(folder / "all.jsonl", utterances)
    return folder / "all.jsonl"


@pytest.fixture
def doubtful(tmp_path: Path, corpus: Corpus) -> Path:
    """A manifest of twelve utterances: the fourth is of another recording, the ninth lacks a letter."""
    pairs = [(f"_a_b{'_' * i}  c_a_", "ab ca") for i in range(12)]
    pairs[3], pairs[8] = (pairs[3][0], "cbc b"), (pairs[8][0], "ab c")
    return _manifest(tmp_path, corpus(*pairs))


def test_wrong_transcripts_are_found_and_the_worst_is_first(tmp_path: Path, doubtful: Path) -> None:
    shares: list[float] = []
    report = align_manifest(READER, str.lower, tmp_path, doubtful, "ctm", None, shares.append)
    assert report.written == tmp_path / "alignments" / "all.ctm" and not report.failed
    rows = [line.split("\t") for line in report.listed.read_text().splitlines()]
    assert rows[0] == ["gap", "id", "said", "heard"] and report.listed.name == "all.suspects.tsv"
    assert [row[1:] for row in rows[1:]] == [["u3", "cbc b", "ab ca"], ["u8", "ab c", "ab ca"]]
    assert float(rows[1][0]) > float(rows[2][0]) > 0.5
    assert [line.split()[0] for line in report.written.read_text().splitlines()] == [
        f"u{i}" for i in range(12) for _ in "ab"
    ]
    assert shares == pytest.approx([i / 12 for i in range(1, 13)])
    said = report.render(1)
    assert said.startswith("2 of 12 transcripts may be wrong (gap above 0.50 nats a token; the median is 0.00)\n")
    assert "  u3\n    said   cbc b\n    heard  ab ca\n" in said and "u8" not in said
    assert said.endswith(f"written: {report.written}, {report.listed}\n")
    assert "said" not in report.render(0) and "u8" in report.render(9)


@pytest.mark.parametrize(
    ("format", "out", "written", "listed"),
    [
        ("ctm", "here", "here/all.ctm", "here/all.suspects.tsv"),
        ("ctm", "here/x.y.ctm", "here/x.y.ctm", "here/x.y.suspects.tsv"),
        ("json", "here", "here/all.jsonl", "here/all.suspects.tsv"),
        ("json", "x.json", "x.json", "x.suspects.tsv"),
        ("textgrid", "v1.0", "v1.0", "v1.0/all.suspects.tsv"),
        ("textgrid", None, "alignments/all", "alignments/all.suspects.tsv"),
    ],
)
def test_where_things_are_written(
    tmp_path: Path, doubtful: Path, format: str, out: str | None, written: str, listed: str
) -> None:
    report = align_manifest(READER, str.lower, tmp_path / "model.pt", doubtful, format, tmp_path / out if out else None)
    assert (report.written, report.listed) == (tmp_path / written, tmp_path / listed) and report.listed.is_file()
    if format == "textgrid":
        assert sorted(p.name for p in report.written.glob("*.TextGrid")) == sorted(f"u{i}.TextGrid" for i in range(12))
    else:
        assert report.written.read_text().startswith("u0 1 0.020" if format == "ctm" else '{"id": "u0"')


def test_nothing_to_align_leaves_empty_files(tmp_path: Path, corpus: Corpus) -> None:
    report = align_manifest(READER, str.lower, tmp_path, _manifest(tmp_path, corpus(("a", "ä"))))
    assert report.written.read_text() == "" and len(report.failed) == 1
    assert report.render(5).startswith("0 of 0 transcripts may be wrong")


def test_half_an_alignment_is_none(tmp_path: Path, doubtful: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = alignments.aligned_lines

    def full(of: Aligned, format: str) -> str:
        if of.id == "u5":
            raise OSError("disk full")
        return lines(of, format)

    monkeypatch.setattr(alignments, "aligned_lines", full)
    with pytest.raises(OSError, match="disk full"):
        align_manifest(READER, str.lower, tmp_path, doubtful, "ctm", tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_mistakes_of_the_caller(tmp_path: Path, doubtful: Path) -> None:
    with pytest.raises(ConfigError, match="'srt': is unknown; expected one of ctm, textgrid, json"):
        align_manifest(READER, str.lower, tmp_path, doubtful, "srt")
    with pytest.raises(ManifestError, match="no such manifest"):
        align_manifest(READER, str.lower, tmp_path, tmp_path / "gone.jsonl")


def test_a_recording_the_model_breaks_on_is_named_and_the_others_are_aligned(
    corpus: Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = Reader.forward

    def breaks(self: Reader, features: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        logits, lengths = read(self, features, lengths)
        return logits.masked_fill((lengths == 4)[:, None, None], float("nan")), lengths

    monkeypatch.setattr(Reader, "forward", breaks)
    found, failed = _aligned(corpus(("_ab_b", "abb"), ("ab_b", "abb"), ("_cab_", "cab")))
    assert [f.id for f in found] == ["u0", "u2"] and all(f.gap == pytest.approx(0, abs=1e-9) for f in found)
    (error,) = failed
    assert isinstance(error, LossError) and str(error).startswith("utt u1: the model's outputs are NaN")
