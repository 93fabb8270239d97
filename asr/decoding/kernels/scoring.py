"""What one more token is worth: language model, lexicon with look-ahead, word bonus, boosted phrases.

Inside a word its prefix already carries the best that any word below its place in the trie could give after this
history (look-ahead, Ortmanns et al. 1996; here of n-grams: the arcs of the state and of all it backs off to). At the
end of the word the true probability takes its place, so that complete words are scored exactly.
"""

import numpy as np

from asr.decoding.kernels.parts import FOREIGN, ROOT, SEPARATOR, TOKENS, UNKNOWN
from asr.kernels.bits import count_ones
from asr.kernels.compiled import inlined
from asr.lm.kernels.automaton import STEP, score


@inlined
def lm_score(model, state, word):
    """ln P(word | state), and the next state."""
    return score(model.arcs, model.unigrams, model.contexts, state, word)


@inlined
def _slot(key, slots):
    """Where a cache of a power of two slots keeps `key`."""
    return np.int64((np.uint64(key) * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(40)) & (slots - 1)


@inlined
def child_of(trie, node, symbol):
    """The node below `node` by `symbol`, or -1."""
    if trie.mask.shape[0]:  # the child's place is the number of its elder siblings
        mask, bit = trie.mask[node], np.uint64(1) << np.uint64(symbol)
        return trie.first[node] + np.int64(count_ones(mask & (bit - np.uint64(1)))) if mask & bit else -1
    low, high = trie.first[node], trie.first[node + 1]
    while high - low > 8:
        middle = (low + high) >> 1
        if trie.symbol[middle] <= symbol:
            low = middle
        else:
            high = middle
    for i in range(low, high):
        if trie.symbol[i] == symbol:
            return i
    return -1


@inlined
def _lower_bound(entry, low, high, wanted):
    while low < high:
        middle = (low + high) >> 1
        if entry[middle] < wanted:
            low = middle + 1
        else:
            high = middle
    return low


@inlined
def _look_ahead(model, state, node):
    """The largest ln P(word | state) among the words below `node`, or a little more where arcs are backed off from."""
    trie, followers = model.trie, model.followers
    begin, end, best, cost = trie.begin[node], trie.end[node], -np.inf, 0.0
    while state != 0:
        high = followers.begin[state + 1]
        i = _lower_bound(followers.entry, followers.begin[state], high, begin)
        while i < high and followers.entry[i] < end:
            best = max(best, cost + followers.log_prob[i])
            i += 1
        cost += model.contexts[state, 0] * STEP
        state = model.contexts[state, 1]
    return max(best, cost + trie.ahead[node])


@inlined
def look_ahead(model, scratch, state, node):
    """The same through a cache."""
    if not model.followers.entry.shape[0]:
        return model.trie.ahead[node]
    key = np.int64(state) * np.int64(model.trie.symbol.shape[0]) + np.int64(node)
    slot = _slot(key, scratch.ahead_key.shape[0])
    if scratch.ahead_key[slot] != key:
        scratch.ahead_key[slot], scratch.ahead_value[slot] = key, _look_ahead(model, state, node)
    return scratch.ahead_value[slot]


@inlined
def end_word(model, state, node):
    """Whether a word may end at `node`, its ln P, the next state, its entry or -1; of homophones the likeliest."""
    trie, weights = model.trie, model.weights
    best, following, entry = -np.inf, np.int32(0), -1
    if node != UNKNOWN:
        for i in range(trie.begin[node], trie.own_end[node]):
            found, after = lm_score(model, state, trie.word[i])
            if entry < 0 or found > best:
                best, following, entry = found, after, i
    if entry >= 0:
        return True, best, following, entry
    if weights.unknown_penalty == np.inf:
        return False, best, following, entry
    best, following = lm_score(model, state, weights.unknown)
    return True, best, following, entry


@inlined
def _symbol(model, scratch, symbol, state, node, ahead, is_first):
    """A symbol of a lexicon: allowed?, gain of the LM, other gain, then state, node, look-ahead and entry after it."""
    weights = model.weights
    if symbol == SEPARATOR:
        if node == ROOT:  # two separators in a row say no word
            return is_first, 0.0, 0.0, state, node, ahead, -1
        allowed, log_prob, following, entry = end_word(model, state, node)
        other = weights.beta
        if entry < 0 and node != UNKNOWN:
            other -= weights.unknown_penalty
        return allowed, log_prob - ahead, other, following, np.int32(ROOT), 0.0, entry
    if node != UNKNOWN:
        below = child_of(model.trie, node, symbol) if symbol != FOREIGN else -1
        if below >= 0:
            next_ahead = look_ahead(model, scratch, state, below)
            return True, next_ahead - ahead, 0.0, state, np.int32(below), next_ahead, -1
        if weights.unknown_penalty == np.inf:
            return False, 0.0, 0.0, state, node, ahead, -1
        next_ahead = model.unigrams[weights.unknown, 0] * STEP
        return True, next_ahead - ahead, -weights.unknown_penalty, state, np.int32(UNKNOWN), next_ahead, -1
    return True, 0.0, 0.0, state, node, ahead, -1


@inlined
def extend(model, scratch, token, state, node, boost, ahead, is_first):
    """One more token: allowed?, gain of the LM and of the rest, then state, node, boost, look-ahead, and entry said."""
    weights, spelling = model.weights, model.spelling
    lm_gain, other, entry = 0.0, weights.insertion, -1
    if weights.units == TOKENS:
        if weights.use_lm:
            lm_gain, state = lm_score(model, state, spelling.word[token])
        if not is_first:
            other += weights.beta * spelling.separators[token]
    begin, end = spelling.begin[token], spelling.begin[token + 1]
    if weights.units != TOKENS:
        if begin == end:
            return False, lm_gain, other, state, node, boost, ahead, entry
        for i in range(begin, end):
            allowed, gain, more, state, node, ahead, said = _symbol(
                model, scratch, spelling.symbols[i], state, node, ahead, is_first and i == begin
            )
            if not allowed:
                return False, lm_gain, other, state, node, boost, ahead, entry
            lm_gain += gain
            other += more
            entry = said if said >= 0 else entry
    if model.boost.potential.shape[0] > 1:
        for i in range(begin, end):
            column = spelling.symbols[i] + 1
            other += model.boost.gain[boost, column]
            boost = model.boost.next[boost, column]
    return True, lm_gain, other, state, node, boost, ahead, entry


@inlined
def conclude(model, state, node, boost, ahead, is_empty):
    """The end of the utterance: complete?, gain of the LM and of the rest, and the entry of the last word."""
    weights = model.weights
    lm_gain, other, entry, complete = 0.0, 0.0, -1, True
    if weights.units == TOKENS:
        other += 0.0 if is_empty else weights.beta
    elif node != ROOT:
        complete, log_prob, following, entry = end_word(model, state, node)
        if complete:
            lm_gain, state = log_prob - ahead, following
            other += weights.beta
            if entry < 0 and node != UNKNOWN:
                other -= weights.unknown_penalty
    if weights.use_lm and weights.end >= 0 and complete:
        log_prob, state = lm_score(model, state, weights.end)
        lm_gain += log_prob
    if model.boost.potential.shape[0] > 1:
        other += model.boost.gain[boost, SEPARATOR + 1]
        other -= model.boost.potential[model.boost.next[boost, SEPARATOR + 1]]
    return complete, lm_gain, other, entry
