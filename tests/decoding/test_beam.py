"""The beam search against every labelling there is, in every mode, and the laws a decoder obeys."""

import math
from itertools import product

import numpy as np
import pytest
import torch
from models_by_chance import write_model
from oracle import ranked, token_rest, word_rest
from pydantic import ValidationError

from asr.ctc.loss import ctc_loss_from_log_probs
from asr.decoding import search
from asr.decoding.beam import BeamDecoder
from asr.decoding.greedy import GreedyDecoder
from asr.decoding.options import DecodingOptions
from asr.decoding.units import phonetic_units, text_units
from asr.errors import AsrError
from asr.lm.ngram import NGram
from asr.types import Hypothesis

TOKENS = ["", " ", "a", "b"]
UNITS = text_units(TOKENS)
WIDE = {"kind": "beam", "beam_width": 4000, "top_tokens": 99, "token_threshold": 1e4, "beam_threshold": 1e4,
        "recombine": False, "nbest": 4000, "unknown": "forbid", "alpha": 0.5, "beta": 0.0, "insertion": 0.0,
        "unknown_penalty": 5.0}  # fmt: skip
SEEDS = range(4)


def emissions(seed: int, frames: int = 5, tokens: int = 4, sharpness: float = 1.5) -> np.ndarray:
    x = np.random.default_rng(seed).normal(size=(frames, tokens)) * sharpness
    return (x - np.log(np.exp(x).sum(1, keepdims=True))).astype(np.float32)


def options(**more) -> DecodingOptions:
    return DecodingOptions(**(WIDE | more))


def assert_same(found: list[Hypothesis], expected: list[Hypothesis]) -> None:
    assert len(found) == len(expected)
    scores = {h.tokens: h for h in expected}
    assert [h.score for h in found] == pytest.approx([h.score for h in expected], abs=1e-4)
    for h in found:
        true = scores[h.tokens]
        assert (h.score, h.acoustic, h.lm) == pytest.approx((true.score, true.acoustic, true.lm), abs=1e-4)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("beta, insertion", [(0.0, 0.0), (0.7, -0.3), (-1.1, 0.9)])
def test_without_a_model_it_is_exhaustive_search(seed: int, beta: float, insertion: float) -> None:
    x = emissions(seed)
    (found,) = BeamDecoder(options(beta=beta, insertion=insertion), UNITS).search([x])
    assert_same(found, ranked(x, TOKENS, token_rest(None, beta), 0.0, insertion))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("alpha, beta", [(0.5, 0.0), (1.3, 0.8)])
def test_with_a_model_of_characters(seed: int, alpha: float, beta: float, characters: NGram) -> None:
    x = emissions(seed)
    (found,) = BeamDecoder(options(alpha=alpha, beta=beta), UNITS, characters).search([x])
    assert_same(found, ranked(x, TOKENS, token_rest(characters, beta), alpha))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("ahead", ["ngram", "unigram"])
@pytest.mark.parametrize("alpha, beta, insertion", [(0.5, 0.0, 0.0), (1.3, 0.8, -0.4), (0.8, -1.0, 0.5)])
def test_with_a_model_of_words(
    seed: int, ahead: str, alpha: float, beta: float, insertion: float, words: NGram
) -> None:
    x, lexicon = emissions(seed, frames=6), ["a", "ab", "ba"]  # b alone is in the model but not in the lexicon
    decoder = BeamDecoder(options(alpha=alpha, beta=beta, insertion=insertion, look_ahead=ahead), UNITS, words, lexicon)
    (found,) = decoder.search([x])
    complete = ranked(x, TOKENS, word_rest(words, set(lexicon), beta), alpha, insertion)
    assert_same(found[: len(complete)], complete)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("penalty", [0.0, 2.0])
def test_unknown_words_cost_their_penalty(seed: int, penalty: float, words: NGram) -> None:
    x, lexicon = emissions(seed, frames=6), ["a", "ab"]
    chosen = options(alpha=0.7, beta=0.4, unknown="allow", unknown_penalty=penalty)
    (found,) = BeamDecoder(chosen, UNITS, words, lexicon).search([x])
    assert_same(found, ranked(x, TOKENS, word_rest(words, set(lexicon), 0.4, penalty), 0.7))


@pytest.mark.parametrize("seed", SEEDS)
def test_a_lexicon_needs_no_model(seed: int) -> None:
    x, lexicon = emissions(seed), ["ab", "b"]
    (found,) = BeamDecoder(options(beta=0.3, alpha=0.9), UNITS, None, lexicon).search([x])
    complete = ranked(x, TOKENS, word_rest(None, set(lexicon), 0.3), 0.9)
    assert_same(found[: len(complete)], complete)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("mode", ["none", "token", "word"])
def test_every_phrase_is_worth_its_boost(seed: int, mode: str, words: NGram, characters: NGram) -> None:
    x, phrases, boost = emissions(seed, frames=6), ["ab", "a b", "b"], 1.7
    lm, lexicon = {"none": (None, None), "token": (characters, None), "word": (words, ["a", "ab", "b"])}[mode]
    plain = word_rest(lm, {"a", "ab", "b"}, 0.2) if mode == "word" else token_rest(lm, 0.2)

    def rest(text: str):
        more = plain(text)
        times = sum(f" {text} "[i:].startswith(f" {p} ") for p in phrases for i in range(len(text) + 1))
        return None if more is None else (more[0], more[1] + boost * times)

    chosen = options(alpha=0.6, beta=0.2, hotwords=phrases, hotword_boost=boost)
    (found,) = BeamDecoder(chosen, UNITS, lm, lexicon).search([x])
    expected = ranked(x, TOKENS, rest, 0.6)
    assert_same(found[: len(expected)], expected)


def test_a_boost_is_taken_back_where_the_phrase_is_not_said() -> None:
    x = emissions(3)
    plain, boosted = (BeamDecoder(options(hotwords=h), UNITS).search([x])[0] for h in ([], ["abbb"]))
    before = {h.tokens: h.score for h in plain}
    others = [h for h in boosted if "abbb" not in "".join(TOKENS[t] for t in h.tokens).split()]
    assert others and all(h.score == pytest.approx(before[h.tokens], abs=1e-4) for h in others)


def test_a_piece_that_is_a_whole_phrase_is_not_pruned_before_its_boost() -> None:
    units = text_units(["", "▁hello", "▁a", "▁b"])
    x = np.log(np.array([[0.1, 2e-6, 0.5, 0.4]], np.float32))
    (found,) = BeamDecoder(
        options(beam_width=2, beam_threshold=12.0, hotwords=["hello"], hotword_boost=18.0), units
    ).search([x])
    assert [h.tokens for h in found] == [(1,), (2,)]


def phones() -> tuple:
    """Two homophones (x, y: 2 3), a word of two pronunciations (z: 3, 2 2)."""
    spellings = {"x": ((2, 3),), "y": ((2, 3),), "z": ((3,), (2, 2))}
    return phonetic_units(["", " ", "P", "Q"], 1, lambda w: spellings.get(w, ())), spellings


@pytest.mark.parametrize("seed", SEEDS)
def test_phones_are_searched_through_their_pronunciations(seed: int, tmp_path) -> None:
    lm = NGram.read(write_model(tmp_path / "p.arpa.gz", ["x", "y", "z"], 5))
    units, spellings = phones()
    x = emissions(seed, frames=6)
    (found,) = BeamDecoder(options(alpha=0.8, beta=0.5), units, lm, list(spellings)).search([x])
    said_by = {s: [w for w in spellings if s in spellings[w]] for of_word in spellings.values() for s in of_word}

    def rest(text: str):
        if "  " in text:
            return None
        pieces = [tuple("_ PQ".index(c) for c in word) for word in text.split()]
        if any(piece not in said_by for piece in pieces):
            return None
        lms, state = 0.0, []
        for piece in pieces:  # of homophones the likelier after the words before
            state.append(max(said_by[piece], key=lambda w: lm.score([*state, w])[len(state)]))
        lms = sum(lm.score(state))
        return lms, 0.5 * len(pieces)

    expected = ranked(x, ["", " ", "P", "Q"], rest, 0.8)
    assert_same(found[: len(expected)], expected)
    for h in found[: len(expected)]:
        assert h.words is not None and all(h.tokens[b:e] in spellings[w] for w, b, e in h.words)
        assert sum(e - b for _, b, e in h.words) == sum(t != 1 for t in h.tokens)


# ── laws ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def modes(characters: NGram, words: NGram) -> dict[str, tuple]:
    return {"none": (None, None), "token": (characters, None), "word": (words, ["a", "ab", "b", "ba"])}


@pytest.mark.parametrize("mode", ["none", "token", "word"])
@pytest.mark.parametrize("recombine", [True, False])
def test_hypotheses_do_not_depend_on_the_batch(mode: str, recombine: bool, characters: NGram, words: NGram) -> None:
    rows = [emissions(seed, frames=3 + 7 * seed) for seed in range(5)]
    decoder = BeamDecoder(
        options(recombine=recombine, beam_width=6, nbest=3, alpha=0.5), UNITS, *modes(characters, words)[mode]
    )
    lengths = torch.tensor([len(r) for r in rows])
    padded = torch.full((5, int(lengths.max()), 4), math.nan)
    for i, row in enumerate(rows):
        padded[i, : len(row)] = torch.from_numpy(row)
    together = decoder(padded, lengths)
    alone = [decoder(torch.from_numpy(r)[None], torch.tensor([len(r)]))[0] for r in rows]
    assert together == alone
    assert all(len(h.frames) == len(h.tokens) for found in together for h in found if h.frames)


@pytest.mark.parametrize("mode", ["none", "token", "word"])
@pytest.mark.parametrize("threads", [1, 3])
def test_threads_and_earlier_utterances_change_nothing(mode, threads, characters, words, monkeypatch) -> None:
    from asr.decoding import beam

    rows = [emissions(seed, frames=12) for seed in range(7)]
    decoder = BeamDecoder(options(beam_width=5, nbest=2, alpha=0.5), UNITS, *modes(characters, words)[mode])
    expected = [decoder.search([r])[0] for r in rows]
    monkeypatch.setattr(beam, "_SMALL", 1)
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        assert decoder.search(rows) == expected
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("mode", ["none", "token", "word"])
@pytest.mark.parametrize("stride", [1, 4, 11])
def test_frame_by_frame_is_the_whole(mode, stride, characters, words, monkeypatch) -> None:
    """In little memory, too, that grows on the way."""
    x = emissions(9, frames=40)
    decoder = BeamDecoder(options(beam_width=8, nbest=3, alpha=0.5), UNITS, *modes(characters, words)[mode])
    (whole,) = decoder.search([x])
    monkeypatch.setattr(search, "_ROOM", 1)
    fed = decoder.start()
    for t in range(0, 40, stride):
        fed.step(x[t : t + stride])
        assert decoder.hypotheses(fed)
    assert decoder.hypotheses(fed) == whole


@pytest.mark.parametrize("seed", SEEDS)
def test_alpha_0_is_no_model(seed: int, characters: NGram) -> None:
    x = emissions(seed, frames=20)
    narrow = options(beam_width=7, nbest=5)
    plain, weightless = (
        BeamDecoder(narrow, UNITS),
        BeamDecoder(narrow.model_copy(update={"alpha": 0.0}), UNITS, characters),
    )
    found, same = plain.search([x])[0], weightless.search([x])[0]
    assert [h.tokens for h in found] == [h.tokens for h in same]
    assert [h.score for h in found] == pytest.approx([h.score for h in same])


@pytest.mark.parametrize("seed", range(20))
def test_a_beam_of_1_is_greedy_where_every_frame_is_sure(seed: int) -> None:
    """Sure: its best token has more than 1/√2, so that no sum over paths overtakes the best path."""
    draw = np.random.default_rng(seed)
    best = draw.integers(0, 4, size=30)
    x = np.full((30, 4), 0.0)
    x[np.arange(30), best] = np.log(3 * 0.71 / 0.29)
    x += draw.uniform(0, 0.0001, x.shape)
    log_probs = torch.from_numpy(x).log_softmax(-1).float()[None]
    lengths = torch.tensor([30])
    found = BeamDecoder(options(beam_width=1, nbest=1), UNITS)(log_probs, lengths)[0][0]
    greedy = GreedyDecoder()(log_probs, lengths)[0][0]
    assert found.tokens == greedy.tokens and found.frames == greedy.frames


def test_the_acoustic_score_is_the_ctc_loss_of_the_hypothesis(words: NGram) -> None:
    x = emissions(5, frames=6)
    (found,) = BeamDecoder(options(alpha=0.5), UNITS, words, ["a", "ab", "b", "ba"]).search([x])
    for h in found[:5]:
        targets = torch.tensor([h.tokens], dtype=torch.int64).reshape(1, -1)
        loss = ctc_loss_from_log_probs(
            torch.from_numpy(x)[None], targets, torch.tensor([6]), torch.tensor([len(h.tokens)])
        )
        assert h.acoustic == pytest.approx(-float(loss), abs=1e-4)


@pytest.mark.parametrize("seed", SEEDS)
def test_recombination_loses_no_probability(seed: int, characters: NGram) -> None:
    """What prefixes of one future have together is what the entry they share has."""
    x = emissions(seed, frames=6)
    apart = BeamDecoder(options(alpha=0.5), UNITS, characters).search([x])[0]
    shared = BeamDecoder(options(alpha=0.5, recombine=True), UNITS, characters).search([x])[0]
    everything = math.log(sum(math.exp(h.score) for h in apart))
    assert math.log(sum(math.exp(h.score) for h in shared)) == pytest.approx(everything, abs=1e-4)
    assert shared[0].score >= apart[0].score - 1e-4 and len(shared) < len(apart)


def test_frames_sure_of_the_blank_are_skipped() -> None:
    x = np.log(np.array([[0.05, 0.05, 0.85, 0.05], [0.96, 0.01, 0.01, 0.02], [0.05, 0.05, 0.05, 0.85]], np.float32))
    sure = BeamDecoder(options(blank_skip=0.95), UNITS).search([x])[0]
    assert (2, 1, 3) not in {h.tokens for h in sure}
    assert (2, 1, 3) in {h.tokens for h in BeamDecoder(options(), UNITS).search([x])[0]}


def test_an_empty_utterance_says_nothing(words: NGram) -> None:
    for lm, lexicon in ((None, None), (words, ["a"])):
        (found,) = BeamDecoder(options(), UNITS, lm, lexicon)(torch.zeros(1, 4, 4), torch.tensor([0]))
        assert [h.tokens for h in found] == [()]


def test_more_texts_than_memory_may_be_asked_for() -> None:
    (found,) = BeamDecoder(options(nbest=10**15), UNITS).search([emissions(1)])
    assert 1 < len(found) < 10**4


@pytest.mark.parametrize("tokens", [3, 5])
def test_emissions_of_other_tokens_are_refused(tokens: int) -> None:
    with pytest.raises(ValueError, match=f"emissions of {tokens} tokens; expected 4"):
        BeamDecoder(options(), UNITS).search([emissions(1, tokens=tokens)])


@pytest.mark.parametrize("name", ["beta", "insertion", "hotword_boost"])
def test_no_bonus_is_too_large_for_probabilities(name: str) -> None:
    (found,) = BeamDecoder(options(**{name: 100.0}, hotwords=["a"]), UNITS).search([emissions(1)])
    assert all(math.isfinite(h.score) for h in found)
    with pytest.raises(ValidationError, match=name):
        options(**{name: 1000.0})


BROKEN = {
    "NaN": (lambda x: np.where(np.arange(4) == 2, np.nan, x), r"utterance 0, frame 0.*NaN"),
    "logits": (lambda x: x + 3, r"utterance 0, frame 0.*above 0.*log probabilities"),
    "probabilities": (np.exp, r"probabilities.*logarithm"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_no_log_probability_is_refused(name: str) -> None:
    spoil, message = BROKEN[name]
    with pytest.raises(AsrError, match=message):
        BeamDecoder(options(), UNITS)(torch.from_numpy(spoil(emissions(1))).float()[None], torch.tensor([5]))


def test_a_masked_token_is_never_said() -> None:
    x = emissions(2)
    x[:, 2] = -np.inf
    (found,) = BeamDecoder(options(), UNITS)(torch.from_numpy(x)[None], torch.tensor([5]))
    assert all(2 not in h.tokens and math.isfinite(h.score) for h in found)


def test_all_words_of_a_lexicon_are_found_again() -> None:
    words = sorted({"".join(w) for n in (1, 2, 3) for w in product("ab", repeat=n)})
    decoder = BeamDecoder(options(beam_width=50), UNITS, None, words)
    for word in words:
        path = [0, *(t for c in word for t in (TOKENS.index(c), 0))]
        x = np.full((len(path), 4), -20.0, np.float32)
        x[np.arange(len(path)), path] = 0.0
        assert "".join(TOKENS[t] for t in decoder.search([x])[0][0].tokens) == word


def test_other_weights_are_another_decoder(words: NGram) -> None:
    """Sharing lexicon and language model, and the thread's search, gives what building anew gives."""
    rows, vocabulary = [emissions(s, frames=8) for s in SEEDS], ["a", "ab", "b", "ba"]
    base = BeamDecoder(DecodingOptions(kind="beam", nbest=5), UNITS, words, vocabulary)
    before = base.search(rows)
    for weights in ({"alpha": 1.5, "beta": 2.0}, {"insertion": -1.0}, {"alpha": 0.0, "unknown_penalty": 1.0}):
        anew = BeamDecoder(base.options.model_copy(update=weights), UNITS, words, vocabulary)
        other = base.weighted(**weights)
        assert other.search(rows, threads=1) == anew.search(rows) != before
        assert other.options == anew.options and other.model.weights == anew.model.weights
    assert base.search(rows) == before
