"""What a search is made of: flat arrays by name, so that kernels can be read.

Dimensions: V tokens with the blank · A symbols · N trie nodes · E lexicon entries · H states of the boost · P prefixes
· K beam width. A symbol is what a lexicon spells words with: a character, or a phonetic token; symbol 0 separates them.
"""

from typing import NamedTuple

import numpy as np

TOKENS, WORDS = 0, 1  # what the language model counts
ROOT, UNKNOWN = 0, -1  # places in the trie: between words, and inside a word the lexicon lacks
SEPARATOR, FOREIGN = 0, -1  # symbols: the end of a word, and one that no word of the lexicon has


class Limits(NamedTuple):
    """What is pruned; thresholds in nats below the best."""

    blank: int
    beam_width: int
    top_tokens: int
    token_threshold: float
    beam_threshold: float
    blank_skip: float  # log probability of the blank from which a frame says nothing else
    recombine: bool


class Weights(NamedTuple):
    """Score = ln P_ctc + alpha · ln P_lm + beta · words + insertion · tokens − unknown_penalty · unknown words."""

    units: int  # TOKENS or WORDS
    use_lm: bool
    alpha: float
    beta: float
    insertion: float
    unknown_penalty: float  # nats; inf forbids what the lexicon lacks
    start: int  # the language model's state before the first word
    end: int  # its </s>, -1 where it has none
    unknown: int  # its <unk>
    largest: float  # the most that a token can gain from all but the emissions, nats
    largest_inside: float  # the same where it ends no word


class Trie(NamedTuple):
    """A lexicon; the children of a node are neighbours, entries are sorted by their spelling.

    first (N + 1,) int32: children of node n are first[n] … first[n + 1]. symbol (N,) int32. begin, own_end, end (N,)
    int32: entries below a node are [begin, end), those spelt out at it [begin, own_end). word (E,) int32: an entry's
    id in the language model. ahead (N,) float64: the largest unigram log probability below. mask (N,) uint64: which
    symbols the children have, a bit each; not there for more than 64 symbols.
    """

    first: np.ndarray
    symbol: np.ndarray
    begin: np.ndarray
    own_end: np.ndarray
    end: np.ndarray
    word: np.ndarray
    ahead: np.ndarray
    mask: np.ndarray


class Followers(NamedTuple):
    """The entries a language model state has arcs for: those of state s are [begin[s], begin[s + 1]), sorted."""

    begin: np.ndarray  # (states + 1,) int32
    entry: np.ndarray  # int32
    log_prob: np.ndarray  # float32, nats


class Spelling(NamedTuple):
    """Each token's symbols [begin[v], begin[v + 1]), how many of them separate, and its id in a token model."""

    begin: np.ndarray  # (V + 1,) int32
    symbols: np.ndarray  # int32
    separators: np.ndarray  # (V,) int32
    word: np.ndarray  # (V,) int32


class Boost(NamedTuple):
    """Phrases that shall be heard, as an automaton over symbols: row h, column symbol + 1 (FOREIGN is column 0).

    gain holds what a step is worth; potential what a state would have to give back at the end.
    """

    next: np.ndarray  # (H, A + 1) int32
    gain: np.ndarray  # (H, A + 1) float64, nats
    potential: np.ndarray  # (H,) float64
    start: int


class Prefixes(NamedTuple):
    """The tree of prefixes, (P,) each; prefix 0 is empty. `place` is a prefix's place in the beam, or -1."""

    parent: np.ndarray
    token: np.ndarray
    place: np.ndarray
    child: np.ndarray
    sibling: np.ndarray
    factor: np.ndarray  # float64: what its last token multiplied its probability by
    lm: np.ndarray
    node: np.ndarray
    boost: np.ndarray
    ahead: np.ndarray  # float64: the look-ahead inside its score, nats


class Beam(NamedTuple):
    """The live prefixes and their probabilities, ending in blank and not; and the next frame's, (K,) each."""

    prefix: np.ndarray
    blank: np.ndarray
    token: np.ndarray
    next_blank: np.ndarray
    next_token: np.ndarray
    chosen: np.ndarray


class Scratch(NamedTuple):
    """What one frame needs and forgets; and what is kept because it will be asked for again."""

    tokens: np.ndarray  # (top_tokens,) int32
    probs: np.ndarray  # (top_tokens,)
    rank: np.ndarray  # (V,) int32: a token's place among the frame's, or -1
    known: np.ndarray  # (K · top_tokens,) uint8: extensions that are in the beam already
    score: np.ndarray  # (K · top_tokens + K,), and so on: the new prefixes
    parent: np.ndarray
    token: np.ndarray
    lm: np.ndarray
    node: np.ndarray
    boost: np.ndarray
    ahead: np.ndarray
    factor: np.ndarray
    sorting: np.ndarray
    table: np.ndarray  # a power of two above 2 K, for recombination
    ahead_key: np.ndarray  # int64: state and node whose look-ahead is kept, and the look-ahead
    ahead_value: np.ndarray
    counts: np.ndarray  # (2,) int64: prefixes, beam
    scale: np.ndarray  # (1,) what was divided out of all probabilities, nats


class Ranking(NamedTuple):
    """The live prefixes in the order of their scores at the end, (K,) each."""

    order: np.ndarray  # int32
    total: np.ndarray  # float64, nats
    complete: np.ndarray  # uint8


class Model(NamedTuple):
    """All that scores a token but the emissions."""

    weights: Weights
    arcs: np.ndarray  # the language model's automaton (lm/kernels/automaton.py)
    unigrams: np.ndarray
    contexts: np.ndarray
    trie: Trie
    followers: Followers
    spelling: Spelling
    boost: Boost
