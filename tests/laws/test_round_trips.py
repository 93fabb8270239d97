"""Law 5: what is written reads back equal. Single parts have such tests of their own beside them."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tones import tiny_tree, write_corpus
from units import KINDS, tokenizer_of

from asr.build import build_system, load_system, system_parts
from asr.config import config_from_tree, dump_config, read_config
from asr.data.manifest import read_manifest, write_manifest
from asr.text.characters import CharTokenizer
from asr.text.normalize import Normalizer
from asr.text.tokenizers import tokenizer_from_state
from asr.training import checkpoint

CPU = torch.device("cpu")
MODELS = {
    "bidirectional": {"cell": "lstm"},
    "unidirectional": {"cell": "gru", "bidirectional": False, "lookahead": 2, "conv_layers": 2},
    "quartznet": {"kind": "quartznet", "blocks": 1, "width": 8, "first_kernel": 3, "last_kernel": 3},
}
FEATURES = {"logmel": {}, "spectrogram": {"kind": "spectrogram"}, "global": {"normalize": "global"}}


# ▁ and NUL mean something else to sentencepiece: to it alone they are unknown characters
NORMALISED = st.text(st.characters(exclude_characters="▁\0", codec="utf-8"), max_size=20).map(Normalizer())


@pytest.mark.parametrize("kind", KINDS)
@given(texts=st.lists(NORMALISED, min_size=1, max_size=5).filter(any))
@settings(max_examples=50, deadline=None)
def test_tokenizers(kind: str, texts: list[str], tmp_path_factory: pytest.TempPathFactory) -> None:
    """Text through ids, ids through a tokenizer that was saved, and words through where they lie."""
    tokenizer = tokenizer_of(kind, texts, tmp_path_factory.mktemp("units"))
    again = tokenizer_from_state(json.loads(json.dumps(tokenizer.state())))
    assert again.tokens == tokenizer.tokens and again.state() == tokenizer.state()
    for text in texts:
        ids = again.encode(text)
        assert 0 not in ids and ids == tokenizer.encode(text) and tokenizer.decode(ids) == text
        assert [again.decode(ids[start:end]) for start, end in again.words(ids)] == text.split()


@given(st.lists(st.text(max_size=20), min_size=1, max_size=5))
def test_characters_of_texts_that_nobody_normalised(texts: list[str]) -> None:
    tokenizer = CharTokenizer.build(texts)
    assert [tokenizer.decode(tokenizer.encode(text)) for text in texts] == texts


@pytest.mark.parametrize("kind", KINDS)
def test_tokenizers_through_a_checkpoint(kind: str, tmp_path: Path) -> None:
    """Their states are plain data: read back without running code, equal."""
    state = tokenizer_of(kind, ["ab cd", "é"], tmp_path).state()
    checkpoint.save(tmp_path / "t.pt", "model", {"tokenizer": state})
    assert checkpoint.load(tmp_path / "t.pt", "model")["tokenizer"] == state


def test_manifests_of_recordings(tmp_path: Path) -> None:
    utterances = [replace(u, speaker="é", offset=0.5, extra={"k": [1, None]}) for u in write_corpus(tmp_path, train=4)]
    write_manifest(tmp_path / "again.jsonl", utterances)
    read = read_manifest(tmp_path / "again.jsonl")
    assert [replace(u, duration=round(u.duration, 6)) for u in utterances] == read
    write_manifest(tmp_path / "third.jsonl", read)
    assert (tmp_path / "third.jsonl").read_bytes() == (tmp_path / "again.jsonl").read_bytes()


@pytest.mark.parametrize("front_end", FEATURES)
@pytest.mark.parametrize("model", MODELS)
def test_systems(model: str, front_end: str, tmp_path: Path) -> None:
    """A recogniser through model.pt: the same configuration, tokens and logits, to the last bit."""
    tree = tiny_tree(tmp_path)
    tree["features"] |= FEATURES[front_end]
    tree["model"] = MODELS[model] | (
        {} if model == "quartznet" else {"hidden_size": 6, "conv_channels": 2, "layers": 1}
    )
    config = config_from_tree(tree)
    (tmp_path / "config.yaml").write_text(dump_config(config, whole=False))
    assert read_config(tmp_path / "config.yaml") == config
    system = build_system(config, CharTokenizer.build(["ab cd é"]), CPU)
    waveforms, lengths = torch.randn(2, 6000), torch.tensor([6000, 3000])
    with torch.no_grad():
        system.model(*system.features(waveforms, lengths))  # statistics that are not the initial ones
        system.model.eval()
        wanted, frames = system.model(*system.features(waveforms, lengths))
    path = tmp_path / "run" / "model.pt"
    checkpoint.save(path, "model", {**system_parts(system), "model": system.model.state_dict()})
    torch.manual_seed(5)
    for place in (path, path.parent):
        again = load_system(place, CPU)
        assert again.config == config and again.tokenizer.tokens == system.tokenizer.tokens and not again.model.training
        with torch.no_grad():
            logits, lengths_again = again.model(*again.features(waveforms, lengths))
        assert torch.equal(logits, wanted) and torch.equal(lengths_again, frames)
        assert again.output_frames(6000) == system.output_frames(6000) == int(frames[0])
