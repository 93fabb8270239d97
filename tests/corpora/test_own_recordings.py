"""The corpora that list what somebody has: folder, manifest, librispeech, commonvoice."""

from collections.abc import Callable
from pathlib import Path

import pytest

from asr.corpora import commonvoice, folder, librispeech, manifest
from asr.corpora.listing import into_splits
from asr.data.manifest import read_manifest
from asr.errors import ManifestError
from asr.types import Utterance

Tone = Callable[..., Path]


def splits_of(manifests: dict[str, Path]) -> dict[str, list[Utterance]]:
    return {split: read_manifest(path) for split, path in manifests.items()}


def test_audio_beside_text(own_folder: Path, tmp_path: Path) -> None:
    splits = splits_of(folder.prepare(tmp_path, source=own_folder))
    assert {split: len(utterances) for split, utterances in splits.items()} == {"train": 8, "dev": 1, "test": 1}
    everything = {u.id: u for utterances in splits.values() for u in utterances}
    assert set(everything) == {f"{'ab'[i % 2]}/take{i}" for i in range(10)}  # the one without a text is left out
    for i in range(10):
        utterance = everything[f"{'ab'[i % 2]}/take{i}"]
        assert utterance.text == f"sentence number {i}"
        assert utterance.duration == pytest.approx(0.1 * (i + 1))
        assert utterance.audio.parent == own_folder / "ab"[i % 2]  # in place, not copied


def test_recordings_of_any_suffix_are_found(tone: Tone, tmp_path: Path) -> None:
    for name in ("a.au", "b.w64", "c.caf"):
        tone(tmp_path / "in" / name).with_suffix(".txt").write_text("words")
    assert len(folder.prepare(tmp_path / "out", source=tmp_path / "in")) == 3


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("list.csv", 'path,text,speaker\n{0},"one, two",ann\n{1},three,bob\n{2},four,eve\n'),
        ("list.csv", '\ufeffTranscript;File;Speaker\n"one, two";{0};ann\nthree;{1};bob\nfour;{2};eve\n'),
        ("list.tsv", "client_id\tsentence\twav\nann\tone, two\t{0}\nbob\tthree\t{1}\neve\tfour\t{2}\n"),
    ],
)
def test_tables(name: str, content: str, tone: Tone, tmp_path: Path) -> None:
    source = tmp_path / "in"
    names = [tone(source / "w" / f"{i}.wav").relative_to(source).as_posix() for i in range(3)]
    (source / name).write_text(content.format(*names), encoding="utf-8")
    for given in (source, source / name):
        splits = splits_of(folder.prepare(tmp_path / f"out-{given.name}", source=given))
        found = {(u.id, u.text, u.speaker) for utterances in splits.values() for u in utterances}
        assert found == {("w/0", "one, two", "ann"), ("w/1", "three", "bob"), ("w/2", "four", "eve")}
        assert [len(utterances) for utterances in splits.values()] == [1, 1, 1]


def test_a_split_column_is_obeyed(tone: Tone, tmp_path: Path) -> None:
    rows = ["path,text,split"]
    for i, split in enumerate(["train", "train", "valid", "test", "Train"]):
        rows.append(f"{tone(tmp_path / f'{i}.wav').name},text {i},{split}")
    table = tmp_path / "list.csv"
    table.write_text("\n".join(rows))
    splits = splits_of(folder.prepare(tmp_path / "out", source=table))
    assert {split: [u.id for u in utterances] for split, utterances in splits.items()} == {
        "train": ["0", "1", "4"],
        "dev": ["2"],
        "test": ["3"],
    }
    table.write_text("\n".join([*rows, "0.wav,x,holdout"]).replace("0.wav,text 0,train\n", ""))
    with pytest.raises(ManifestError, match="split 'holdout' of '0'; expected train, dev or test"):
        folder.prepare(tmp_path / "out", source=table)


def test_table_errors(tone: Tone, tmp_path: Path) -> None:
    table = tmp_path / "list.csv"
    tone(tmp_path / "a.wav")
    table.write_text("wave,words\na.wav,hello\n")
    with pytest.raises(ManifestError, match=r"no audio column among wave, words; expected one of path, audio, file"):
        folder.prepare(tmp_path / "out", source=table)
    table.write_text("path,words\na.wav,hello\n")
    with pytest.raises(ManifestError, match="no text column among path, words; expected one of text, transcript"):
        folder.prepare(tmp_path / "out", source=table)
    table.write_text("path,text\na.wav,hello\n,world\n")
    with pytest.raises(ManifestError, match=r"list\.csv:3: no path"):
        folder.prepare(tmp_path / "out", source=table)
    table.write_text("path,text\na.wav,hello\na.wav,world\n")
    with pytest.raises(ManifestError, match="'a' is listed 2 times"):
        folder.prepare(tmp_path / "out", source=table)
    table.write_text("path,text\n")
    with pytest.raises(ManifestError, match="no rows"):
        folder.prepare(tmp_path / "out", source=table)
    table.write_bytes("path,text\na.wav,grün\n".encode("latin-1"))
    with pytest.raises(ManifestError, match=r"cannot be read .*; expected UTF-8 text"):
        folder.prepare(tmp_path / "out", source=table)
    (tmp_path / "other.tsv").write_text("")
    with pytest.raises(ManifestError, match=r"holds list\.csv, other\.tsv; expected one table"):
        folder.prepare(tmp_path / "out", source=tmp_path)


def test_a_stray_quotation_mark_swallows_no_row(tone: Tone, tmp_path: Path) -> None:
    rows = [f'{tone(tmp_path / f"{i}.wav").name}\t{text}' for i, text in enumerate(('"Yes, he said', "no", 'or "so'))]
    (tmp_path / "list.tsv").write_text("\n".join(["path\ttext", *rows]))
    splits = splits_of(folder.prepare(tmp_path / "out", source=tmp_path / "list.tsv"))
    texts = {u.id: u.text for utterances in splits.values() for u in utterances}
    assert texts == {"0": '"Yes, he said', "1": "no", "2": 'or "so'}


@pytest.mark.parametrize("closing", ["", '"'])
def test_a_cell_that_runs_over_lines_is_an_error(tone: Tone, tmp_path: Path, closing: str) -> None:
    rows = [r"0.wav,zero\n", '1.wav,"one', f"2.wav,two{closing}", "3.wav,three"]
    (tmp_path / "list.csv").write_text("\n".join(["path,text", *rows]))
    with pytest.raises(ManifestError, match=r"list\.csv:3: a cell runs over several lines; expected"):
        folder.prepare(tmp_path / "out", source=tmp_path / "list.csv")


def test_a_cell_without_end_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text('path,text\n0.wav,"one\n' + "1.wav,two\n" * 20_000)
    with pytest.raises(ManifestError, match=r"list\.csv:\d+: cannot be read .*limit"):
        folder.prepare(tmp_path / "out", source=tmp_path / "list.csv")


def test_bad_recordings_are_counted_or_skipped(tone: Tone, tmp_path: Path) -> None:
    rows = ["path,text"] + [f"{tone(tmp_path / f'{i}.wav').name},text {i}" for i in range(5)]
    (tmp_path / "broken.wav").write_bytes(b"RIFF, or not")
    rows += ["broken.wav,x", "absent.wav,y"]
    (tmp_path / "list.csv").write_text("\n".join(rows))
    with pytest.raises(
        ManifestError, match=r"2 of 7 recordings cannot be read: .*broken\.wav.*absent\.wav.*--skip-bad"
    ):
        folder.prepare(tmp_path / "out", source=tmp_path / "list.csv")
    assert not list((tmp_path / "out").glob("*.json*"))
    splits = splits_of(folder.prepare(tmp_path / "out", source=tmp_path / "list.csv", skip_bad=True))
    assert sum(len(utterances) for utterances in splits.values()) == 5
    skipped = (tmp_path / "out" / "skipped.txt").read_text().splitlines()
    assert len(skipped) == 2 and "broken.wav" in skipped[0] and "absent.wav" in skipped[1]


def test_nemo_manifest(nemo_manifest: Path, tmp_path: Path) -> None:
    splits = splits_of(manifest.prepare(tmp_path, source=nemo_manifest))
    everything = sorted((u for utterances in splits.values() for u in utterances), key=lambda u: u.id)
    assert [u.text for u in everything] == [f"line {i}" for i in range(6)]
    assert all(u.duration == 0.5 and u.extra == {"lang": "en"} for u in everything)
    assert {split: len(utterances) for split, utterances in splits.items()} == {"train": 4, "dev": 1, "test": 1}


def test_manifest_keeps_offsets_and_splits(tone: Tone, tmp_path: Path) -> None:
    tone(tmp_path / "long.wav", 2.0)
    lines = [
        '{"id": "a", "audio": "long.wav", "duration": 0.5, "text": "a", "split": "train"}',
        '{"id": "b", "audio": "long.wav", "duration": 0.7, "text": "b", "offset": 0.5, "split": "dev"}',
        '{"id": "c", "audio": "long.wav", "duration": 0.8, "text": "c", "offset": 1.2, "split": "test"}',
    ]
    source = tmp_path / "given.jsonl"
    source.write_text("\n".join(lines))
    splits = splits_of(manifest.prepare(tmp_path / "out", source=source))
    assert {s: [(u.id, u.offset, u.duration) for u in us] for s, us in splits.items()} == {
        "train": [("a", 0.0, 0.5)],
        "dev": [("b", 0.5, 0.7)],
        "test": [("c", 1.2, 0.8)],
    }
    source.rename(tmp_path / "train.jsonl")
    with pytest.raises(ManifestError, match="would be overwritten"):
        manifest.prepare(tmp_path, source=tmp_path / "train.jsonl")
    with pytest.raises(ManifestError, match="no such manifest"):
        manifest.prepare(tmp_path / "out", source=tmp_path / "absent.jsonl")


def test_librispeech_tree(librispeech_tree: Path, tmp_path: Path) -> None:
    for source in (librispeech_tree, librispeech_tree.parent):
        splits = splits_of(librispeech.prepare(tmp_path / source.name, source=source))
        assert [u.id for u in splits["test"]] == [f"61-198-{i:04d}" for i in range(3)]
        assert [u.text for u in splits["dev"]] == [f"IT IS NUMBER {letter}" for letter in "ABC"]
        assert {u.speaker for u in splits["train"]} == {"19"}
        assert [u.duration for u in splits["train"]] == pytest.approx([0.2, 0.3, 0.4])
    with pytest.raises(ManifestError, match=r"no subset 'dev-other' among dev-clean, test-clean, train-clean-100"):
        librispeech.prepare(tmp_path / "other", source=librispeech_tree, dev=("dev-other",))


def test_librispeech_archives(librispeech_tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import hashlib
    import tarfile

    served = tmp_path / "served"
    served.mkdir()
    for subset in ("train-clean-100", "dev-clean", "test-clean"):
        with tarfile.open(served / f"{subset}.tar.gz", "w:gz") as file:
            file.add(librispeech_tree / subset, f"LibriSpeech/{subset}")
        checksum = hashlib.md5((served / f"{subset}.tar.gz").read_bytes()).hexdigest()
        monkeypatch.setitem(librispeech.MD5, subset, checksum)
    names = ("train-clean-100", "dev-clean", "test-clean")
    root = librispeech.download(tmp_path / "cache", names, url=served.as_uri())
    splits = splits_of(librispeech.prepare(tmp_path / "out", source=root))
    assert [len(utterances) for utterances in splits.values()] == [3, 3, 3]
    with pytest.raises(ManifestError, match=r"no subset 'dev-cleen'; expected dev-clean"):
        librispeech.download(tmp_path / "cache", ("dev-cleen",))


def test_commonvoice_locale(commonvoice_locale: Path, tmp_path: Path) -> None:
    splits = splits_of(commonvoice.prepare(tmp_path, source=commonvoice_locale))
    assert {split: len(utterances) for split, utterances in splits.items()} == {"train": 3, "dev": 1, "test": 2}
    assert [(u.id, u.text, u.speaker) for u in splits["test"]] == [
        (f"test_{i}", f'Sie sagte: "Grün {i}', f"test-{i}") for i in range(2)
    ]
    table = commonvoice_locale / "train.tsv"
    with pytest.raises(ManifestError, match=r"no train\.tsv; expected the folder of one locale"):
        commonvoice.prepare(tmp_path, source=commonvoice_locale / "clips")
    assert table.is_file()


def test_commonvoice_errors(tmp_path: Path) -> None:
    (tmp_path / "train.tsv").write_text("path\tsentence\n")
    with pytest.raises(ManifestError, match="no column 'client_id' among path, sentence"):
        commonvoice.prepare(tmp_path / "out", source=tmp_path)
    (tmp_path / "train.tsv").write_text("client_id\tpath\tsentence\na\tb\n")
    with pytest.raises(ManifestError, match=r"train\.tsv:2: 2 cells; expected 3"):
        commonvoice.prepare(tmp_path / "out", source=tmp_path)


def utterances_by(speakers: dict[str, int]) -> list[tuple[str | None, Utterance]]:
    return [
        (None, Utterance(f"{speaker}{i}", Path("a.wav"), 1.0, "text", speaker))
        for speaker, count in speakers.items()
        for i in range(count)
    ]


@pytest.mark.parametrize("seed", range(5))
def test_speakers_are_not_shared_between_splits(seed: int) -> None:
    found = utterances_by({f"s{i}": 5 + i for i in range(12)} | {"many": 60})
    splits = into_splits(found, Path("x"), seed)
    speakers = [{u.speaker for u in utterances} for utterances in splits.values()]
    assert not speakers[0] & speakers[1] and not speakers[0] & speakers[2] and not speakers[1] & speakers[2]
    assert sum(map(len, splits.values())) == len(found)
    assert "many" in speakers[0]  # one who said a third of everything is for training
    for split in ("dev", "test"):
        assert 0.1 * len(found) - 1 <= len(splits[split]) <= 0.2 * len(found)


def test_three_speakers_are_one_a_split() -> None:
    splits = into_splits(utterances_by({"a": 9, "b": 1, "c": 2}), Path("x"), 0)
    speakers = [{u.speaker for u in utterances} for utterances in splits.values()]
    assert speakers[0] == {"a"} and {frozenset(s) for s in speakers[1:]} == {frozenset("b"), frozenset("c")}


def test_two_speakers_are_split_by_utterance() -> None:
    splits = into_splits(utterances_by({"a": 20, "b": 20}), Path("x"), 0)
    assert [len(utterances) for utterances in splits.values()] == [32, 4, 4]
    with pytest.raises(ManifestError, match="2 utterances; expected at least 3"):
        into_splits(utterances_by({"a": 2}), Path("x"), 0)
