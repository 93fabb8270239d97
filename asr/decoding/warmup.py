"""Every kernel of language models and beam search compiled now, so that nobody waits for it later."""

import tempfile
from pathlib import Path

import numpy as np

from asr.decoding.beam import BeamDecoder
from asr.decoding.options import DecodingOptions
from asr.decoding.units import text_units
from asr.lm.estimate import Recipe, estimate
from asr.lm.ngram import NGram
from asr.lm.writing import write_arpa

_TEXT = "ab a b\nb a ab\na b\n"


def warm_up() -> None:
    """Estimate, write, read and search with models of words and of characters, of a text of three lines."""
    units = text_units(["", " ", "a", "b"])
    emissions = np.log(np.full((4, 4), 0.25, np.float32))
    with tempfile.TemporaryDirectory() as folder:
        (text := Path(folder) / "text").write_text(_TEXT, encoding="utf-8")
        for counts, words in (("words", ["a", "b", "ab"]), ("chars", None)):
            arpa = Path(folder) / f"{counts}.arpa"
            write_arpa(arpa, estimate([text], Recipe(3, units=counts, discount_fallback=True)))
            model = NGram.read(arpa)
            model.score(["a"])
            BeamDecoder(DecodingOptions(kind="beam", hotwords=["a"]), units, model, words).search([emissions])
