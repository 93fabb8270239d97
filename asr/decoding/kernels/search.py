"""CTC prefix beam search, frame by frame (Graves 2012, section 7.5; Hannun et al. 2014; recombination as in Kaldi).

Probabilities are kept as they are, not as logarithms: after every frame all are divided by the best, and what falls
below the beam is dropped long before it could underflow. A prefix is a node of a tree; its probability is split by
whether the last frame was blank. A prefix that is in the beam already is not made anew: its share flows into it.
"""

import math

import numpy as np

from asr.decoding.kernels.scoring import extend
from asr.kernels.compiled import inlined, searching
from asr.lm.kernels.automaton import slot_of


@searching
def advance(emissions, begin, limits, model, prefixes, beam, scratch):
    """Search frames begin … of emissions (T, V) log probabilities; → the frame reached.

    Stops before a frame for whose new prefixes there may be no room; call again with more. A frame that no prefix
    survives is passed over.
    """
    capacity = prefixes.parent.shape[0]
    for t in range(begin, emissions.shape[0]):
        if scratch.counts[0] + limits.beam_width > capacity:
            return t
        row = emissions[t]
        tokens = _choose_tokens(row, limits, scratch)
        best, worst = _stay(row, limits.blank, prefixes, beam, scratch, tokens)
        new = 0
        if tokens:
            new, best = _propose(limits, model, prefixes, beam, scratch, tokens, best, worst)
        if best <= 0.0:
            continue
        if tokens:
            _select(limits, prefixes, beam, scratch, new, best)
            if limits.recombine:
                _recombine(prefixes, beam, scratch)
            for place in range(scratch.counts[1]):
                prefixes.place[beam.prefix[place]] = place
        else:
            _keep_all(beam, scratch, best)
    return emissions.shape[0]


@inlined
def _choose_tokens(row, limits, scratch):
    """The frame's likeliest tokens but the blank, sorted, with their probabilities; → how many. 0: only the blank."""
    blank = limits.blank
    if row[blank] >= limits.blank_skip:
        return 0
    best = row[blank]
    for v in range(row.shape[0]):
        best = max(best, row[v])
    floor = best - limits.token_threshold
    tokens, probs, most, n = scratch.tokens, scratch.probs, scratch.tokens.shape[0], 0
    for v in range(row.shape[0]):
        x = row[v]
        if x >= floor and v != blank and x > -np.inf and (n < most or x > probs[most - 1]):
            j = n if n < most else most - 1
            while j > 0 and probs[j - 1] < x:
                probs[j], tokens[j] = probs[j - 1], tokens[j - 1]
                j -= 1
            probs[j], tokens[j] = x, v
            n = min(n + 1, most)
    for j in range(n):
        probs[j] = math.exp(probs[j])
    return n


@inlined
def _stay(row, blank, prefixes, beam, scratch, tokens):
    """Live prefixes that gain no token, and those that gain one from a live parent; → best and worst probability."""
    live, by_blank = scratch.counts[1], math.exp(row[blank])
    for q in range(live):
        last = prefixes.token[beam.prefix[q]]
        beam.next_blank[q] = (beam.blank[q] + beam.token[q]) * by_blank
        beam.next_token[q] = beam.token[q] * math.exp(row[last]) if last >= 0 and beam.token[q] > 0.0 else 0.0
    for j in range(tokens):
        scratch.rank[scratch.tokens[j]] = j
    for i in range(live * tokens):
        scratch.known[i] = 0
    for q in range(live):
        x = beam.prefix[q]
        above = prefixes.parent[x]
        if above < 0 or prefixes.place[above] < 0:
            continue
        p, token = prefixes.place[above], prefixes.token[x]
        j = scratch.rank[token]
        if j >= 0:
            scratch.known[p * tokens + j] = 1
            mass = beam.blank[p] if prefixes.token[above] == token else beam.blank[p] + beam.token[p]
            beam.next_token[q] += mass * scratch.probs[j] * prefixes.factor[x]
    for j in range(tokens):
        scratch.rank[scratch.tokens[j]] = -1
    best, worst = 0.0, np.inf
    for q in range(live):
        best = max(best, beam.next_blank[q] + beam.next_token[q])
        worst = min(worst, beam.next_blank[q] + beam.next_token[q])
    return best, worst


@inlined
def _keep_all(beam, scratch, best):
    """The next frame's probabilities, divided by the best."""
    shrink = 1.0 / best
    for q in range(scratch.counts[1]):
        beam.blank[q] = beam.next_blank[q] * shrink
        beam.token[q] = beam.next_token[q] * shrink
    scratch.scale[0] += math.log(best)


@inlined
def _propose(limits, model, prefixes, beam, scratch, tokens, best, worst):
    """New prefixes above what can still enter the beam; → how many, and the best probability of all."""
    live, weights = scratch.counts[1], model.weights
    most, inside = math.exp(weights.largest), math.exp(weights.largest_inside)
    share, new = math.exp(-limits.beam_threshold), 0
    floor, room = best * share, limits.beam_width - live
    if room == 0:
        floor = max(floor, worst)  # what is less than as many as there is room for cannot stay
    for q in range(live):
        x = beam.prefix[q]
        total, by_blank, last = beam.blank[q] + beam.token[q], beam.blank[q], prefixes.token[x]
        of_lm, of_node, of_boost, of_ahead = prefixes.lm[x], prefixes.node[x], prefixes.boost[x], prefixes.ahead[x]
        for j in range(tokens):
            token, prob = scratch.tokens[j], scratch.probs[j]
            if total * prob * most < floor:
                break  # tokens are sorted: the others are less
            mass = (by_blank if token == last else total) * prob
            reach = most if model.spelling.separators[token] else inside
            if scratch.known[q * tokens + j] or mass <= 0.0 or mass * reach < floor:
                continue
            allowed, lm_gain, other, lm, node, boost, ahead, _ = extend(
                model, scratch, token, of_lm, of_node, of_boost, of_ahead, x == 0
            )
            if not allowed:
                continue
            gain = weights.alpha * lm_gain + other
            factor = math.exp(gain) if gain != 0.0 else 1.0
            score = mass * factor
            if score < floor or score <= 0.0:
                continue
            scratch.score[new], scratch.parent[new], scratch.token[new] = score, q, token
            scratch.lm[new], scratch.node[new], scratch.boost[new] = lm, node, boost
            scratch.ahead[new], scratch.factor[new] = ahead, factor
            new += 1
            if new <= room:
                worst = min(worst, score)
                if new == room:
                    floor = max(floor, worst)
            if score > best:
                best = score
                floor = max(floor, best * share)
    return new, best


@inlined
def _select(limits, prefixes, beam, scratch, new, best):
    """The best `beam_width` of live and new prefixes within the threshold become the beam."""
    live, n = scratch.counts[1], 0
    for q in range(live):
        scratch.sorting[n] = beam.next_blank[q] + beam.next_token[q]
        n += 1
    for i in range(new):
        scratch.sorting[n] = scratch.score[i]
        n += 1
    floor = best * math.exp(-limits.beam_threshold)
    if n > limits.beam_width:
        floor = max(floor, _largest(scratch.sorting, n, limits.beam_width))
    scratch.scale[0] += math.log(best)
    shrink = 1.0 / best
    for q in range(live):
        prefixes.place[beam.prefix[q]] = -1
        beam.chosen[q] = beam.prefix[q]
    kept = 0
    for q in range(live):
        if beam.next_blank[q] + beam.next_token[q] >= floor and kept < limits.beam_width:
            beam.prefix[kept] = beam.chosen[q]
            beam.blank[kept], beam.token[kept] = beam.next_blank[q] * shrink, beam.next_token[q] * shrink
            kept += 1
    for i in range(new):
        if scratch.score[i] >= floor and kept < limits.beam_width:
            beam.prefix[kept] = _prefix(prefixes, scratch, beam.chosen[scratch.parent[i]], i)
            beam.blank[kept], beam.token[kept] = 0.0, scratch.score[i] * shrink
            kept += 1
    scratch.counts[1] = kept


@inlined
def _prefix(prefixes, scratch, parent, i):
    """The tree's node for new prefix i, made unless it was there before and fell out of the beam."""
    token = scratch.token[i]
    x = prefixes.child[parent]
    while x >= 0 and prefixes.token[x] != token:
        x = prefixes.sibling[x]
    if x >= 0:
        return x
    x = np.int32(scratch.counts[0])
    scratch.counts[0] += 1
    prefixes.parent[x], prefixes.token[x], prefixes.place[x], prefixes.child[x] = parent, token, -1, -1
    prefixes.sibling[x], prefixes.child[parent] = prefixes.child[parent], x
    prefixes.factor[x], prefixes.lm[x], prefixes.node[x] = scratch.factor[i], scratch.lm[i], scratch.node[i]
    prefixes.boost[x], prefixes.ahead[x] = scratch.boost[i], scratch.ahead[i]
    return x


@inlined
def _largest(values, n, k):
    """The k-th largest of values[:n], which are moved about (Hoare 1961)."""
    low, high, wanted = 0, n - 1, k - 1
    while low < high:
        a, b, c = values[low], values[(low + high) >> 1], values[high]
        pivot = max(min(a, b), min(max(a, b), c))
        i, j = low, high
        while i <= j:
            while values[i] > pivot:
                i += 1
            while values[j] < pivot:
                j -= 1
            if i <= j:
                values[i], values[j] = values[j], values[i]
                i += 1
                j -= 1
        if wanted <= j:
            high = j
        elif wanted >= i:
            low = i
        else:
            return values[wanted]
    return values[wanted]


@inlined
def _recombine(prefixes, beam, scratch):
    """Prefixes with one future (state, trie node, boost, last token) become one, under the likelier one's name."""
    table, mask, kept = scratch.table, scratch.table.shape[0] - 1, 0
    for i in range(table.shape[0]):
        table[i] = -1
    for q in range(scratch.counts[1]):
        x = beam.prefix[q]
        mixed = np.int64(prefixes.lm[x]) * 1000003 + np.int64(prefixes.node[x]) * 31 + np.int64(prefixes.boost[x])
        i = slot_of(mixed, prefixes.token[x] + 1, mask)
        while table[i] >= 0 and not _same_future(prefixes, beam.prefix[table[i]], x):
            i = (i + 1) & mask
        p = table[i]
        if p < 0:
            table[i] = kept
            beam.prefix[kept], beam.blank[kept], beam.token[kept] = x, beam.blank[q], beam.token[q]
            kept += 1
            continue
        if beam.blank[q] + beam.token[q] > beam.blank[p] + beam.token[p]:
            beam.prefix[p] = x
        beam.blank[p] += beam.blank[q]
        beam.token[p] += beam.token[q]
    scratch.counts[1] = kept


@inlined
def _same_future(prefixes, x, y):
    return (
        prefixes.lm[x] == prefixes.lm[y]
        and prefixes.node[x] == prefixes.node[y]
        and prefixes.token[x] == prefixes.token[y]
        and prefixes.boost[x] == prefixes.boost[y]
    )
