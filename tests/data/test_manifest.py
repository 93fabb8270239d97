"""Manifests: what is written reads back equal; every mistake is one line that names file and line."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asr.data.manifest import read_manifest, write_manifest
from asr.errors import ManifestError
from asr.types import Utterance

KNOWN = {"id", "audio", "audio_filepath", "duration", "text", "speaker", "offset"}
WORDS = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=5,
)
NAMES = st.text("abcxyz012éß _-", min_size=1, max_size=12).filter(lambda name: name.strip())
LINE = st.fixed_dictionaries(
    {
        "id": WORDS.filter(bool),
        "audio": NAMES,
        "inside": st.booleans(),
        "duration": st.integers(1, 10**9).map(lambda n: n / 1e6),
        "text": WORDS,
        "speaker": st.none() | WORDS,
        "offset": st.floats(0, 1e6),
        "extra": st.dictionaries(WORDS.filter(lambda key: key not in KNOWN), PLAIN, max_size=3),
    }
)


@given(st.lists(LINE, min_size=1, max_size=6, unique_by=lambda line: line["id"]))
@settings(max_examples=30, deadline=None)
def test_what_is_written_reads_back_equal(tmp_path_factory: pytest.TempPathFactory, lines: list[dict]) -> None:
    folder = tmp_path_factory.getbasetemp() / "round"
    utterances = []
    for line in lines:
        audio = (folder if line.pop("inside") else folder.parent / "elsewhere") / f"{line.pop('audio')}.wav"
        utterances.append(Utterance(audio=audio, **line))
    write_manifest(folder / "m.jsonl", utterances)
    assert read_manifest(folder / "m.jsonl") == utterances


def test_audio_inside_the_folder_is_written_relative_and_moves_with_it(tmp_path: Path) -> None:
    write_manifest(tmp_path / "a" / "m.jsonl", [Utterance("u", tmp_path / "a" / "audio" / "u.wav", 1.0, "x")])
    (tmp_path / "a").rename(tmp_path / "b")
    assert read_manifest(tmp_path / "b" / "m.jsonl")[0].audio == tmp_path / "b" / "audio" / "u.wav"


def test_names_of_nemo_and_defaults(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    rows = [
        {"audio_filepath": "a/b.wav", "duration": 2, "text": "hi", "lang": "en"},
        {"audio_filepath": "a/b.wav", "duration": 1.5, "offset": 2.25, "text": "ho", "speaker": 7},
    ]
    path.write_text("\ufeff" + "\n\n".join(map(json.dumps, rows)) + "\n", encoding="utf-8")  # a BOM, an empty line
    first, second = read_manifest(path)
    assert first == Utterance("a/b", tmp_path / "a/b.wav", 2.0, "hi", extra={"lang": "en"})
    assert second == Utterance("a/b@2.25", tmp_path / "a/b.wav", 1.5, "ho", speaker="7", offset=2.25)


def test_an_id_may_be_zero_but_not_empty(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    rows = [{"id": id, "audio": f"a{i}.wav", "duration": 1, "text": "x"} for i, id in enumerate((0, "0.0", "", None))]
    path.write_text("\n".join(map(json.dumps, rows)))
    assert [u.id for u in read_manifest(path)] == ["0", "0.0", "a2", "a3"]


def test_whole_surrogate_pairs_are_characters(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    path.write_text(json.dumps({"audio": "a.wav", "duration": 1, "text": "\U0001f600"}))
    assert read_manifest(path)[0].text == "\U0001f600"


GOOD = '{"audio": "a.wav", "duration": 1, "text": "x"}'
MISTAKES = {
    "bad json": ('{"audio": ', "not JSON"),
    "a list": ("[1]", "a list; expected a JSON object"),
    "no audio": ('{"duration": 1, "text": "x"}', "no 'audio'"),
    "audio a number": ('{"audio": 3, "duration": 1, "text": "x"}', "no 'audio'"),
    "no text": ('{"audio": "b.wav", "duration": 1}', "text is None"),
    "no duration": ('{"audio": "b.wav", "text": "x"}', "duration is None"),
    "duration a string": ('{"audio": "b.wav", "duration": "1", "text": "x"}', "duration is '1'"),
    "duration true": ('{"audio": "b.wav", "duration": true, "text": "x"}', "duration is True"),
    "duration negative": ('{"audio": "b.wav", "duration": -0.3, "text": "x"}', "duration is -0.3 s; expected > 0"),
    "duration zero": ('{"audio": "b.wav", "duration": 0, "text": "x"}', "duration is 0 s"),
    "duration not finite": ('{"audio": "b.wav", "duration": NaN, "text": "x"}', "duration is nan"),
    "duration enormous": ('{"audio": "b.wav", "duration": 1%s, "text": "x"}' % ("0" * 400), "duration is 1"),
    "offset negative": ('{"audio": "b.wav", "duration": 1, "offset": -1, "text": "x"}', "offset is -1 s"),
    "half a pair in the text": (r'{"audio": "b.wav", "duration": 1, "text": "x\ud800"}', r"\ud800 is half of a"),
    "half a pair in the id": (r'{"id": "\udc00", "audio": "b.wav", "duration": 1, "text": "x"}', r"\udc00 is half"),
    "repeated id": ('{"id": "a", "audio": "b.wav", "duration": 1, "text": "x"}', "id 'a' stands at line 1 too"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_names_file_and_line(tmp_path: Path, name: str) -> None:
    line, what = MISTAKES[name]
    path = tmp_path / "m.jsonl"
    path.write_text(f"{GOOD}\n\n{line}\n", encoding="utf-8")
    with pytest.raises(ManifestError) as caught:
        read_manifest(path)
    message = str(caught.value)
    assert message.startswith(f"{path}:3: ") and what in message and "\n" not in message
    assert "; expected" in message or "duration is" in message


@pytest.mark.parametrize(
    "content, what",
    [(None, "no such manifest"), (b"", "is empty"), (b"\n \n", "is empty"), (b"\xff\xfe{", "cannot be read")],
)
def test_files_that_are_no_manifest(tmp_path: Path, content: bytes | None, what: str) -> None:
    path = tmp_path / "m.jsonl"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ManifestError, match=what) as caught:
        read_manifest(path)
    assert str(caught.value).startswith(f"{path}: ")


def test_writing_leaves_the_old_manifest_when_it_fails(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    good = [Utterance("u", tmp_path / "u.wav", 1.0, "x")]
    write_manifest(path, good)
    with pytest.raises(TypeError):
        write_manifest(path, [*good, Utterance("v", tmp_path / "v.wav", 1.0, "x", extra={"k": object()})])
    assert read_manifest(path) == good and [p.name for p in tmp_path.iterdir()] == ["m.jsonl"]
