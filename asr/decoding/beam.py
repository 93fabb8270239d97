"""CTC prefix beam search with a language model, a lexicon and phrases that shall be heard.

score = ln P_ctc + alpha · ln P_lm + beta · words + insertion · tokens, in nats. ln P_ctc sums over all alignments that
stay in the beam. With recombination, prefixes that nothing can tell apart any more share one entry, and their
probabilities are added: the score of the best then counts the others' histories too.
"""

import copy
import math
import threading
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from asr.ctc.align import align
from asr.ctc.collapse import BLANK
from asr.decoding.emissions import refuse
from asr.decoding.hotwords import boost_phrases, largest_gain
from asr.decoding.kernels.parts import SEPARATOR, TOKENS, WORDS, Boost, Limits, Model, Trie, Weights
from asr.decoding.lexicon import Lexicon, build_lexicon, followers, no_followers
from asr.decoding.options import DecodingOptions
from asr.decoding.search import PrefixSearch
from asr.decoding.units import Units
from asr.errors import VocabularyError
from asr.kernels.threads import together
from asr.lm.kernels.automaton import Automaton
from asr.lm.ngram import NGram
from asr.types import Hypothesis

_SMALL = 100_000  # frames · beam width a thread: with less, waking it costs more than it saves


class BeamDecoder:
    """Prefix beam search. Fits interfaces.Decoder.

    `lm` counts tokens, or words where `words` is given: then hypotheses are made of these words, and of unknown ones
    where the options allow them. Without `lm` all `words` are equally likely. Raises VocabularyError: no word can be
    spelt, a hotword cannot.
    """

    def __init__(
        self, options: DecodingOptions, units: Units, lm: NGram | None = None, words: Sequence[str] | None = None
    ) -> None:
        self.options, self.units = options, units
        self.lexicon, lm = None, lm.opened() if lm is not None else None
        if words is not None:
            self.lexicon = build_lexicon(words, units, lm)
            if not self.lexicon.words:
                raise VocabularyError(
                    f"lexicon: the model's {len(units.tokens)} tokens spell none of its {len(words)} words; expected "
                    "words as the transcripts write them; check case and spelling"
                )
        self.limits = _limits(options, lm is not None or words is not None)
        self.model = _model(options, units, lm, self.lexicon)
        self._own = threading.local()

    def __call__(self, log_probs: Tensor, lengths: Tensor) -> list[list[Hypothesis]]:
        """(B, T, V) log_probs, (B,) → an N-best list each, best first, with the frames of each token (Viterbi)."""
        emissions = log_probs.detach().to("cpu", torch.float32).numpy()
        rows = [np.ascontiguousarray(e[:n]) for e, n in zip(emissions, lengths.tolist(), strict=True)]
        for i, row in enumerate(rows):
            refuse(i, row)
        return [self._timed(row, found) for row, found in zip(rows, self.search(rows), strict=True)]

    def weighted(self, **weights: float) -> "BeamDecoder":
        """The same search with other weights, sharing language model and lexicon: `alpha`, `beta`, … of the options."""
        other = copy.copy(self)
        other.options = self.options.model_copy(update={name: float(value) for name, value in weights.items()})
        weighted = _weights(other.options, self.units, self.model.weights, self.model.boost)
        other.model = self.model._replace(weights=weighted)
        return other

    def search(self, emissions: Sequence[np.ndarray], threads: int | None = None) -> list[list[Hypothesis]]:
        """The N-best list of each (T, V) float32, without frames; utterances are shared out to at most `threads`."""
        cost = sum(len(e) for e in emissions) * self.options.beam_width
        share = max(1, min(threads or torch.get_num_threads(), len(emissions), cost // _SMALL))
        order = sorted(range(len(emissions)), key=lambda i: -len(emissions[i]))

        def some(members: Sequence[int]) -> dict[int, list[Hypothesis]]:
            return {i: self._one(emissions[i]) for i in members}

        found: dict[int, list[Hypothesis]] = {}
        for part in together([lambda i=i: some(order[i::share]) for i in range(share)]):  # type: ignore[misc]
            found |= part
        return [found[i] for i in range(len(emissions))]

    def describe(self) -> str:
        """The search in words, for a report."""
        words = None if self.lexicon is None else len(set(self.lexicon.words))
        return self.options.describe("tokens" if words is None else "words", words, self.units.phonetic)

    def start(self) -> PrefixSearch:
        """A search to be fed frames as they come; `hypotheses` reads it."""
        return PrefixSearch(self.limits, self.model)

    def hypotheses(self, search: PrefixSearch) -> list[Hypothesis]:
        """The N-best list so far, as if the utterance ended here."""
        scores, lengths, tokens, entries = search.finish(self.options.nbest)
        return [
            Hypothesis(
                tuple(tokens[i, :n].tolist()), (), float(scores[i, 0]), float(scores[i, 1]), float(scores[i, 2]),
                self._words(tokens[i, :n], entries[i]),
            )
            for i, n in enumerate(lengths.tolist())
        ]  # fmt: skip

    def _one(self, emissions: np.ndarray) -> list[Hypothesis]:
        search = getattr(self._own, "search", None)
        if search is None:
            search = self._own.search = self.start()
        search.model = self.model  # one of other weights may have searched before; look-aheads are the same for all
        search.start()
        search.step(emissions)
        return self.hypotheses(search)

    def _words(self, tokens: np.ndarray, entries: np.ndarray) -> tuple[tuple[str, int, int], ...] | None:
        """The words of phonetic tokens; text spells its own."""
        if not self.units.phonetic or self.lexicon is None:
            return None
        found, begin = [], 0
        for i, token in enumerate([*tokens.tolist(), None]):
            at = len(entries) - 1 if token is None else i
            if token is None or SEPARATOR in self.units.symbols[token]:
                if i > begin:
                    entry = int(entries[at])
                    found.append((self.lexicon.words[entry] if entry >= 0 else "<unk>", begin, i))
                begin = i + 1
        return tuple(found)

    def _timed(self, emissions: np.ndarray, found: list[Hypothesis]) -> list[Hypothesis]:
        n, longest = len(found), max(len(h.tokens) for h in found)
        targets = torch.zeros(n, longest, dtype=torch.int64)
        for i, h in enumerate(found):
            targets[i, : len(h.tokens)] = torch.tensor(h.tokens, dtype=torch.int64)
        rows = torch.from_numpy(emissions).expand(n, *emissions.shape)
        frames, lengths = torch.full((n,), len(emissions)), torch.tensor([len(h.tokens) for h in found])
        return [
            Hypothesis(h.tokens, a.spans if a is not None else (), h.score, h.acoustic, h.lm, h.words)
            for h, a in zip(found, align(rows, targets, frames, lengths), strict=True)
        ]


def _limits(options: DecodingOptions, has_futures: bool) -> Limits:
    """Recombination is only defined where prefixes have futures of their own: with a language model or lexicon."""
    skip = math.log(options.blank_skip) if options.blank_skip < 1 else math.inf
    return Limits(
        BLANK, options.beam_width, options.top_tokens, options.token_threshold, options.beam_threshold, skip,
        options.recombine and has_futures,
    )  # fmt: skip


def _model(options: DecodingOptions, units: Units, lm: NGram | None, lexicon: Lexicon | None) -> Model:
    automaton = lm.automaton if lm is not None else _uniform()
    phrases = [spelt for phrase in options.hotwords for spelt in _phrase(phrase, units)]
    boost = boost_phrases(phrases, units.count, options.hotword_boost)
    blank = Weights(
        units=TOKENS if lexicon is None else WORDS, use_lm=lm is not None, start=lm.start if lm else 0,
        end=lm.end if lm else -1, unknown=lm.unknown if lm else 0, alpha=0.0, beta=0.0, insertion=0.0,
        unknown_penalty=0.0, largest=0.0, largest_inside=0.0,
    )  # fmt: skip
    weights = _weights(options, units, blank, boost)
    ahead = no_followers()
    if lexicon is not None and lm is not None and options.look_ahead == "ngram":
        ahead = followers(automaton, lexicon)
    spelling = units.spelling(lm if lexicon is None else None)
    trie = lexicon.trie if lexicon is not None else _NO_TRIE
    return Model(weights, *automaton, trie, ahead, spelling, boost)


def _weights(options: DecodingOptions, units: Units, weights: Weights, boost: Boost) -> Weights:
    """The weights with what the options say."""
    inside = options.insertion + largest_gain(boost, units.symbols)
    largest = inside + max(0.0, options.beta) * max(token.count(SEPARATOR) for token in units.symbols)
    return weights._replace(
        alpha=options.alpha, beta=options.beta, insertion=options.insertion, largest=largest, largest_inside=inside,
        unknown_penalty=options.unknown_penalty if options.unknown == "allow" and not units.phonetic else math.inf,
    )  # fmt: skip


def _phrase(phrase: str, units: Units) -> list[tuple[int, ...]]:
    """The spellings of a phrase in symbols. Raises VocabularyError where a word of it has none."""
    spellings: list[tuple[int, ...]] = [()]
    for word in phrase.split():
        of_word = units.spell(word)
        if not of_word:
            raise VocabularyError(
                f"decoding.hotwords: {word!r} cannot be written with the model's tokens; expected its alphabet; "
                "write it as the transcripts do"
            )
        spellings = [(*s, SEPARATOR, *w) if s else w for s in spellings for w in of_word]
    return [s for s in spellings if s]


def _uniform() -> Automaton:
    """The language model of no opinion: everything costs nothing."""
    return Automaton(np.full((2, 4), -1, np.int32), np.zeros((1, 2), np.int32), np.zeros((1, 2), np.int32))


_NONE = np.zeros(2, np.int32)
_NO_TRIE = Trie(_NONE, _NONE, _NONE, _NONE, _NONE, _NONE, np.zeros(2), np.zeros(0, np.uint64))
