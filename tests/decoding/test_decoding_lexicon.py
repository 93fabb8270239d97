"""The trie and its look-ahead against dictionaries."""

from pathlib import Path

import numpy as np
import pytest
from models_by_chance import write_model

from asr.decoding.beam import BeamDecoder
from asr.decoding.kernels import scoring
from asr.decoding.options import DecodingOptions
from asr.decoding.units import phonetic_units, text_units
from asr.lm.kernels.automaton import STEP
from asr.lm.ngram import NGram

WORDS = ["a", "ab", "b", "ba", "bab"]  # the model knows all but the last
UNITS = text_units(["", " ", "a", "b"])


def spelt_below(trie, words: tuple[str, ...]) -> dict[int, list[str]]:
    return {n: [words[e] for e in range(trie.begin[n], trie.end[n])] for n in range(len(trie.symbol))}


@pytest.mark.parametrize("symbols", ["few", "many"])
def test_every_word_is_spelt_out_and_nothing_else(symbols: str) -> None:
    letters = "abcdefghijklmnopqrstuvwxyz" if symbols == "few" else [chr(0x100 + i) for i in range(100)]
    draw = np.random.default_rng(1)
    words = sorted({"".join(draw.choice(list(letters), size=draw.integers(1, 5))) for _ in range(300)})
    units = text_units(["", " ", *letters])
    lexicon = BeamDecoder(DecodingOptions(kind="beam"), units, None, words).lexicon
    assert lexicon is not None and (len(lexicon.trie.mask) > 0) == (symbols == "few")
    starts = {w[:n] for w in words for n in range(len(w) + 1)}
    assert len(lexicon.trie.symbol) == len(starts)
    for word in starts:
        node = 0
        for symbol in units.spell(word)[0] if word else ():
            node = scoring.child_of(lexicon.trie, node, symbol)
            assert node > 0
        below = [lexicon.words[e] for e in range(lexicon.trie.begin[node], lexicon.trie.end[node])]
        assert sorted(below) == [w for w in words if w.startswith(word)]
        own = [lexicon.words[e] for e in range(lexicon.trie.begin[node], lexicon.trie.own_end[node])]
        assert own == ([word] if word in words else [])
        others = set(letters) - {w[len(word)] for w in starts if w.startswith(word) and len(w) > len(word)}
        assert all(scoring.child_of(lexicon.trie, node, units.spell(c)[0][0]) < 0 for c in list(others)[:5])


def test_the_look_ahead_is_the_best_arc_below_and_never_too_small(words: NGram) -> None:
    decoder = BeamDecoder(DecodingOptions(kind="beam"), UNITS, words, WORDS)
    assert decoder.lexicon is not None
    arcs, unigrams, contexts = words.automaton
    following = {(int(s), int(w)): float(p) * STEP for s, w, _, p in arcs if s >= 0}
    checked = 0
    for state in range(len(contexts)):
        for node, below in spelt_below(decoder.lexicon.trie, decoder.lexicon.words).items():
            ids = [words.ids.get(w, words.unknown) for w in below]
            best, cost, at = -np.inf, 0.0, state
            while at:
                best = max([best, *(cost + following[at, i] for i in ids if (at, i) in following)])
                cost, at = cost + contexts[at, 0] * STEP, int(contexts[at, 1])
            best = max([best, *(cost + unigrams[i, 0] * STEP for i in ids)])
            found = scoring._look_ahead(decoder.model, state, node)
            assert found == pytest.approx(best, abs=1e-5)
            assert found >= max(scoring.lm_score(decoder.model, state, i)[0] for i in ids) - 1e-5
            checked += 1
    assert checked > 100


def test_a_pronunciation_each_is_an_entry(tmp_path: Path) -> None:
    spellings = {"x": ((2, 3),), "y": ((2, 3),), "z": ((3,), (2, 2))}
    units = phonetic_units(["", " ", "P", "Q"], 1, lambda w: spellings.get(w, ()))
    lexicon = BeamDecoder(DecodingOptions(kind="beam"), units, None, [*spellings, "silent"]).lexicon
    assert lexicon is not None and lexicon.words == ("z", "x", "y", "z")
    lm = NGram.read(write_model(tmp_path / "p.arpa.gz", ["x", "y", "z"], 5))
    decoder = BeamDecoder(DecodingOptions(kind="beam"), units, lm, list(spellings))
    begin, entry, log_prob = decoder.model.followers
    found = {
        (s, int(entry[i])): float(log_prob[i]) for s in range(len(begin) - 1) for i in range(begin[s], begin[s + 1])
    }
    expected = {
        (int(s), e): p * STEP for s, w, _, p in lm.automaton.arcs if s >= 0
        for e, word in enumerate(lexicon.words) if lm.ids[word] == w
    }  # fmt: skip
    assert found == pytest.approx(expected) and len(found) > 4
