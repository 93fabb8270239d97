"""The end of a search: the N-best list, each with its tokens and what every part gave to its score."""

import math

from asr.decoding.kernels.scoring import conclude, extend
from asr.kernels.compiled import inlined, searching


@searching
def n_best(most, model, prefixes, beam, scratch, ranking, scores, lengths, tokens, entries):
    """The best `most` prefixes as if the utterance ended here; the search can go on afterwards. → how many.

    Fills scores (n, 3) float64 in nats (total, acoustic, LM), lengths (n,), tokens (n, L) and entries (n, L) int32: the
    lexicon entry a token completed, or -1; the last column of entries is the last word's. Those that end within a word
    the lexicon lacks come only when no other is left.
    """
    live = scratch.counts[1]
    for q in range(live):
        x = beam.prefix[q]
        done, lm_gain, other, _ = conclude(
            model, prefixes.lm[x], prefixes.node[x], prefixes.boost[x], prefixes.ahead[x], x == 0
        )
        mass = math.log(beam.blank[q] + beam.token[q]) + scratch.scale[0]
        ranking.total[q], ranking.complete[q] = mass + model.weights.alpha * lm_gain + other, done
        ranking.order[q] = q
    n = _rank(min(most, live), live, ranking)
    for i in range(n):
        q = ranking.order[i]
        length = _trace(prefixes, beam.prefix[q], tokens[i])
        lengths[i] = length
        lm, rest = _replay(model, scratch, prefixes, tokens[i], length, entries[i])
        scores[i, 0], scores[i, 1] = ranking.total[q], ranking.total[q] - model.weights.alpha * lm - rest
        scores[i, 2] = lm
    return n


@inlined
def _rank(n, live, ranking):
    """Bring the best n of `live` to the front, complete ones first; → how many of them to give."""
    order, total, complete = ranking.order, ranking.total, ranking.complete
    for i in range(n):
        for j in range(i + 1, live):
            a, b = order[j], order[i]
            if complete[a] > complete[b] or (complete[a] == complete[b] and total[a] > total[b]):
                order[i], order[j] = a, b
    while n > 1 and complete[order[0]] and not complete[order[n - 1]]:
        n -= 1
    return n


@inlined
def _trace(prefixes, x, tokens):
    """Write down the tokens of prefix x; → how many."""
    n, y = 0, x
    while y > 0:
        n += 1
        y = prefixes.parent[y]
    for i in range(n - 1, -1, -1):
        tokens[i] = prefixes.token[x]
        x = prefixes.parent[x]
    return n


@inlined
def _replay(model, scratch, prefixes, tokens, length, entries):
    """What LM and the rest gave to a hypothesis, and the entries it says."""
    state, node, boost, ahead = prefixes.lm[0], prefixes.node[0], prefixes.boost[0], prefixes.ahead[0]
    lm, rest = 0.0, 0.0
    for i in range(length):
        _, gain, other, state, node, boost, ahead, entries[i] = extend(
            model, scratch, tokens[i], state, node, boost, ahead, i == 0
        )
        lm += gain
        rest += other
    _, gain, other, entries[entries.shape[0] - 1] = conclude(model, state, node, boost, ahead, length == 0)
    return lm + gain, rest + other
