"""The check of manifests: each finding provoked alone in a corpus that is otherwise clean."""

import math
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from asr.audio.io import write_wav
from asr.data.check import check
from asr.data.feasibility import Fit
from asr.data.findings import Report
from asr.data.material import read_material
from asr.types import Utterance

RATE = 8000
ALPHABET = " abcdefghijklmnopqrstuvwxyz"


def bursts(rng: np.random.Generator, samples: int) -> np.ndarray:
    """Noise in a quarter of a second, a hundredth of it in the next: loud and quiet as speech is."""
    loud = np.arange(samples) // (RATE // 4) % 2 == 0
    return np.where(loud, 0.1, 0.001) * rng.standard_normal(samples)


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Utterance]:
    """A recording of bursts of noise, its own for every id, and its line in a manifest."""

    def utterance(id: str, text: str = "a clean text", duration: float = 0.8, **fields) -> Utterance:
        path = tmp_path / f"{id}.wav"
        rng = np.random.default_rng(sum(map(ord, id)) * 1000 + len(id))
        write_wav(path, bursts(rng, round(duration * RATE)), RATE)
        return replace(Utterance(id, path, duration, text), **fields)

    return utterance


def checked(*splits: Iterable[Utterance], **options) -> Report:
    manifests = dict(zip(("train", "test"), map(list, splits), strict=False))
    how = {name: options.pop(name) for name in ("encode", "sample_rate", "fastest", "drop") if name in options}
    frames = options.pop("output_frames", None)
    fit = None if frames is None else Fit(frames, **({"sample_rate": RATE} | how))
    material = read_material(manifests, options.pop("normalize", str.lower), options.pop("progress", None))
    return check(material, **({"alphabet": ALPHABET, "fit": fit} | options))


def only(findings: tuple, kind: str) -> str:
    """The message of the one finding there is."""
    assert [f.kind for f in findings] == [kind]
    return findings[0].message


def test_a_clean_corpus_has_no_findings(make: Callable[..., Utterance]) -> None:
    train = [make(f"t{i}", text, speaker=f"s{i}") for i, text in enumerate(["one", "Two", "three"])]
    test = [make("u", "four", duration=1.2, speaker="s9")]
    told: list[tuple[int, int]] = []
    report = checked(train, test, output_frames=lambda n: n // 80, progress=lambda *a: told.append(a))
    assert report.ok and not report.errors and not report.warnings
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]
    first = report.splits[0]
    assert (first.name, first.utterances, first.speakers) == ("train", 3, 3)
    assert first.hours == pytest.approx(2.4 / 3600) and first.durations == (0.8, 0.8, 0.8)
    assert "0 errors, 0 warnings" in report.render()


def test_missing_and_unreadable_files(make: Callable[..., Utterance], tmp_path: Path) -> None:
    absent = replace(make("a"), audio=tmp_path / "absent.wav")
    assert "utt a: " in only(checked([absent]).errors, "unreadable audio")
    cut = make("b", duration=2.0)
    cut.audio.write_bytes(cut.audio.read_bytes()[:9000])
    report = checked([cut], output_frames=lambda n: 0)
    assert "is cut short" in only(report.errors, "unreadable audio")
    assert not report.ok


@pytest.mark.parametrize(("declared", "wrong"), [(0.5, True), (0.75, False), (0.85, False), (1.0, True)])
def test_durations_of_whole_files(make: Callable[..., Utterance], declared: float, wrong: bool) -> None:
    report = checked([replace(make("a", duration=0.8), duration=declared)])
    assert report.ok is not wrong
    if wrong:
        message = only(report.errors, "wrong duration")
        assert f"ends at {declared:.2f} s" in message and "lasts 0.80 s" in message


def test_stretches_lie_in_their_file(make: Callable[..., Utterance]) -> None:
    whole = make("a", duration=2.0)
    inside = [replace(whole, id=f"a{i}", offset=i * 0.5, duration=0.5) for i in range(4)]
    assert checked(inside).ok
    beyond = replace(whole, id="late", offset=1.7, duration=0.5)
    assert "utt late: ends at 2.20 s" in only(checked([*inside, beyond]).errors, "wrong duration")


def test_empty_texts(make: Callable[..., Utterance]) -> None:
    assert "utt a: text '' is empty;" in only(checked([make("a", "")]).errors, "empty text")
    report = checked([make("a", "!?")], normalize=lambda text: text.strip("!?"))
    assert "is empty after normalisation" in only(report.errors, "empty text")


def test_characters_outside_the_alphabet(make: Callable[..., Utterance]) -> None:
    report = checked([make("a", "Café"), make("b", "été 2")])
    unknown = [(c.character, c.count, c.example, c.name) for c in report.characters if not c.known]
    assert unknown == [("é", 3, "a", "LATIN SMALL LETTER E WITH ACUTE"), ("2", 1, "b", "DIGIT TWO")]
    assert [f.kind for f in report.errors] == ["character outside the alphabet"] * 2
    assert "utt a: 'é'" in report.errors[0].message and "3 times" in report.errors[0].message
    assert "add it to text.replace, or put an utterance with it into the training" in report.errors[0].message
    assert "LATIN SMALL LETTER E WITH ACUTE" in report.render()
    assert checked([make("a", "Café")], alphabet=None).ok


@pytest.mark.parametrize("frames", [6, 7, 8])
def test_targets_that_cannot_fit(make: Callable[..., Utterance], frames: int) -> None:
    # l e t t e r: 6 labels and one blank between the two t
    report = checked([make("a", "letter")], output_frames=lambda samples: frames)
    assert report.ok is (frames >= 7)
    if not report.ok:
        message = only(report.errors, "target too long")
        assert message == (
            "utt a: 6 labels need at least 7 frames but the model yields 6; lower model.subsampling or drop it"
        )


def test_targets_that_training_drops_or_never_sees(make: Callable[..., Utterance]) -> None:
    def frames(samples: int) -> int:
        return samples // 1000

    long, short, other = make("long", "abcdefgh"), make("short", "abc"), make("other", "abcdefghi", duration=0.9)
    assert not checked([long, short], output_frames=frames).ok
    report = checked([long, short], output_frames=frames, drop=True)
    assert report.ok and "utt long: " in only(report.warnings, "target too long")
    assert not checked([long], output_frames=frames, drop=True).ok, "nothing would be left"
    report = checked([short], [other], output_frames=frames)
    assert report.ok and "utt other: " in only(report.warnings, "target too long")


def test_targets_that_cannot_fit_when_faster(make: Callable[..., Utterance]) -> None:
    def frames(samples: int) -> int:
        return samples // 1000

    train, dev = make("t", "abcdef"), make("d", "fedcba", duration=0.81)  # 6 labels in 6.4 thousand samples
    report = checked([train], [dev], output_frames=frames, fastest=1.1)
    assert report.ok and "but the model yields 5 at speed 1.1" in only(report.warnings, "target too long when faster")
    for fastest in (0.9, 1.0, 1.05):
        assert not checked([train], [dev], output_frames=frames, fastest=fastest).warnings


def test_targets_come_from_the_encoder_and_frames_from_samples(
    make: Callable[..., Utterance],
) -> None:
    asked: list[int] = []

    def frames(samples: int) -> int:
        asked.append(samples)
        return 3

    utterance = make("a", "xyz", duration=0.7)
    assert checked([utterance], encode=lambda text: [1, 2, 3], output_frames=frames, sample_rate=16000).ok
    assert asked == [11200]
    report = checked([utterance], encode=lambda text: [1, 1, 3], output_frames=frames)
    assert "3 labels need at least 4 frames" in only(report.errors, "target too long")
    late = replace(utterance, offset=0.5, duration=0.25)  # 0.05 s beyond the end, within the tolerance
    asked.clear()
    assert checked([late], output_frames=frames).ok and asked == [round(0.2 * RATE)]


def test_outliers_are_warned_of(make: Callable[..., Utterance]) -> None:
    usual = [make(f"t{i}", "x" * (8 + i % 3), duration=0.8 + 0.02 * (i % 5)) for i in range(24)]
    assert not checked(usual).warnings
    long = checked([*usual, make("long", "x" * 90, duration=8.0)])
    assert long.ok and "utt long: lasts 8.00 s where the median of train is 0.84 s" in only(
        long.warnings, "odd duration"
    )
    fast = checked([*usual, make("fast", "x" * 60)])
    assert "utt fast: 75.0 characters a second" in only(fast.warnings, "odd rate of speech")
    slow = checked([*usual, make("slow", "x")])
    assert "utt slow: " in only(slow.warnings, "odd rate of speech")


def test_silence_is_warned_of(make: Callable[..., Utterance]) -> None:
    silent = make("a")
    write_wav(silent.audio, np.zeros(round(0.8 * RATE)), RATE)
    report = checked([silent])
    assert report.ok and "utt a: " in only(report.warnings, "silence")


def test_ids_in_two_manifests(make: Callable[..., Utterance], tmp_path: Path) -> None:
    other = replace(make("b"), id="a", text="another")
    report = checked([make("a")], [other])
    assert report.ok and "utt a: stands in train and in test" in only(report.warnings, "shared id")


def test_the_same_recording_in_two_manifests(make: Callable[..., Utterance], tmp_path: Path) -> None:
    first = make("a")
    copy = tmp_path / "copy.wav"
    copy.write_bytes(first.audio.read_bytes())
    second = replace(first, id="b", audio=copy, text="another")
    message = only(checked([first], [second]).errors, "shared audio")
    assert "utt b: test holds the same recording as utt a of train" in message
    long = make("long", duration=2.0)
    halves = [replace(long, id=f"h{i}", offset=i * 1.0, duration=1.0, text=t) for i, t in enumerate("xy")]
    assert checked(halves[:1], halves[1:]).ok  # other stretches of one file


@pytest.mark.parametrize(("offset", "duration", "shared"), [(0.2, 0.6, 0.6), (0.9, 1.0, None), (0.4, 1.0, 0.6)])
def test_stretches_that_overlap_across_manifests(
    make: Callable[..., Utterance], offset: float, duration: float, shared: float | None
) -> None:
    long = make("long", duration=4.0)
    train = [replace(long, id=f"t{i}", offset=2.0 * i, duration=1.0, text="ab"[i]) for i in range(2)]
    report = checked(train, [replace(long, id="x", offset=offset, duration=duration, text="new")])
    if shared is None:
        assert report.ok and report.overlaps[0].recordings == 0
    else:
        message = only(report.errors, "shared audio")
        assert f"utt x: test holds the same recording as utt t0 of train, for {shared:.2f} s" in message
        assert report.overlaps[0].recordings == 1


def test_findings_say_which_manifest(make: Callable[..., Utterance]) -> None:
    silent = make("a")
    write_wav(silent.audio, np.zeros(round(0.8 * RATE)), RATE)
    report = checked([make("b"), make("c")], [replace(silent, id="b", text="another")])
    assert {(f.kind, f.manifest, f.ids) for f in report.warnings} == {
        ("silence", "test", ("b",)), ("shared id", "test", ("b",)),
    }  # fmt: skip


def test_speakers_and_sentences_in_two_manifests(make: Callable[..., Utterance]) -> None:
    train = [make("a", "one", speaker="ann"), make("b", "two", speaker="bob")]
    test = [make("c", "three", speaker="bob"), make("d", "four")]
    report = checked(train, test)
    assert report.ok and "speakers in both: 1 (bob)" in only(report.warnings, "shared speakers")
    same = [make(name, name, speaker="ann") for name in ("g", "h")]
    assert not checked(same[:1], same[1:]).warnings, "with one speaker there are no others"
    report = checked(train, [make("e", "ONE"), make("f", "five")])
    assert report.ok and "1 of 2 texts of test stand in train too" in only(report.warnings, "shared sentences")


def test_sentences_of_two_manifests_that_differ_in_a_word(make: Callable[..., Utterance]) -> None:
    report = checked([make("a", "turn the light on")], [make("b", "turn the lamp on"), make("c", "stop")])
    assert report.ok
    message = only(report.warnings, "nearly shared sentences")
    assert "1 of 2 texts of test are ones of train but for a word ('turn the lamp on', 'turn the light on')" in message
    (overlap,) = report.overlaps
    assert (overlap.texts, overlap.near) == (0, (("turn the lamp on", "turn the light on"),))


def test_odd_sounds_and_copies_are_warned_of(make: Callable[..., Utterance]) -> None:
    first, second = make("a", duration=2.0), make("b", duration=2.0)
    write_wav(second.audio, bursts(np.random.default_rng(1), 2 * RATE) + 0.05, RATE)
    assert "utt b: its mean is 5.0 %" in only(checked([first, second]).warnings, "DC offset")
    second.audio.write_bytes(first.audio.read_bytes())
    report = checked([first, second])
    assert "utt b: in train, sounds like utt a" in only(report.warnings, "duplicate audio")
    assert [pair.copy for pair in report.copies] == [True]


def test_the_report_shows_ten_of_a_kind(make: Callable[..., Utterance]) -> None:
    text = checked([make(f"u{i}", "") for i in range(13)]).render()
    assert "errors: empty text (13)" in text and "… and 3 more" in text
    assert text.count("is empty;") == 10 and text.endswith("13 errors, 0 warnings\n")


def test_an_empty_manifest_is_rendered() -> None:
    report = check(read_material({"train": []}, str))
    assert report.ok and math.isclose(report.splits[0].hours, 0) and "train" in report.render()


def test_real_digits_are_clean(shared_data: Path) -> None:
    from asr.data.manifest import read_manifest

    everything = read_manifest(shared_data / "fsdd_digits" / "manifest.jsonl")
    dev = [u for u in everything if u.extra["split"] == "dev"]
    report = check(read_material({"dev": dev}, str.lower), fit=Fit(lambda n: n // 160 // 2, 16000))
    assert report.ok, report.render()


def test_a_text_with_unknown_characters_is_not_encoded(make: Callable[..., Utterance]) -> None:
    def encode(text: str) -> list[int]:
        return [ALPHABET.index(character) for character in text]

    report = checked([make("a", "naïve")], encode=encode, output_frames=lambda samples: 1)
    only(report.errors, "character outside the alphabet")
