"""After a warm-up a search compiles nothing any more, whatever it searches with."""

import numpy as np

from asr.decoding.beam import BeamDecoder
from asr.decoding.kernels.finish import n_best
from asr.decoding.kernels.search import advance
from asr.decoding.kernels.trie import spell_out
from asr.decoding.options import DecodingOptions
from asr.decoding.units import phonetic_units, text_units
from asr.decoding.warmup import warm_up
from asr.lm.ngram import NGram


def test_nothing_is_compiled_after_it(words: NGram, characters: NGram) -> None:
    warm_up()
    kernels = [k.dispatcher for k in (advance, n_best, spell_out)]
    before = [len(kernel.signatures) for kernel in kernels]
    assert before == [1, 1, 1]
    x = np.log(np.full((9, 4), 0.25, np.float32))
    text, phones = text_units(["", " ", "a", "b"]), phonetic_units(["", " ", "a", "b"], 1, lambda w: ((2,),))
    for units, lm, lexicon in (
        (text, None, None), (text, characters, None), (text, words, ["a"]), (phones, words, ["a"]),
        (phones, None, ["a"]),
    ):  # fmt: skip
        for more in ({}, {"look_ahead": "unigram", "unknown": "forbid"}, {"hotwords": ["a"]}):
            BeamDecoder(DecodingOptions(kind="beam", **more), units, lm, lexicon).search([x])
    assert [len(kernel.signatures) for kernel in kernels] == before
