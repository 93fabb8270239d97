"""Errors counted in threads are those of decoding one utterance after the other."""

from pathlib import Path

import numpy as np
import pytest
import torch
from models_by_chance import write_model

from asr.decoding.beam import BeamDecoder
from asr.decoding.options import DecodingOptions
from asr.decoding.units import text_units
from asr.evaluation.errors import character_errors, word_errors
from asr.lm.ngram import NGram
from asr.text.characters import CharTokenizer
from asr.tuning.sweep import Errors, axes_of, sweep, text_of

TOKENS = ["<blank>", " ", "a", "b"]


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_every_utterance_counts_once(threads: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    lm = NGram.read(write_model(tmp_path / "w.arpa.gz", ["a", "ab", "b", "ba"], 2))
    decoder = BeamDecoder(DecodingOptions(kind="beam"), text_units(["", *TOKENS[1:]]), lm, ["a", "ab", "b", "ba"])
    rng, rows = np.random.default_rng(0), []
    for frames in (12, 5, 9, 20, 7):
        x = 1.5 * rng.normal(size=(frames, 4))
        rows.append((x - np.log(np.exp(x).sum(1, keepdims=True))).astype(np.float32))
    references, tokenizer = ["ab a", "b", "a b", "ba ba ab", "a"], CharTokenizer(TOKENS)
    names = [axis.name for axis in axes_of(decoder)]
    assert names == ["alpha", "beta", "insertion", "unknown_penalty"]
    points = [(0.5, b, 0.0, 15.0) for b in (-3.0, 0.0, 3.0)] * 4
    told: list[int] = []
    found = sweep(decoder, names, rows, Errors(references, str.strip, tokenizer), told.append)(points)
    for point, score in zip(points, found, strict=True):
        other = decoder.weighted(**dict(zip(names, point, strict=True)))
        texts = [text_of(h[0], tokenizer) for h in other.search(rows, threads=1)]
        words = sum(word_errors(r, t).errors for r, t in zip(references, texts, strict=True))
        assert score == (words, sum(character_errors(r, t).errors for r, t in zip(references, texts, strict=True)))
    assert sum(told) == len(points) and len(set(found)) > 1
