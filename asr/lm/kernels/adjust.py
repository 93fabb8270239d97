"""From the counts of the longest n-grams to those of all orders, compiled (Kneser & Ney 1995; KenLM's adjusted counts).

The longest n-grams come sorted from the last word to the first, so that those that share an ending of k words, the
shorter n-gram, stand together.
"""

from asr.kernels.compiled import compiled, part
from asr.lm.kernels.text import BEGIN_ID


@part
def emit(grams, facts, n, gram, k, adjusted, raw, listed):
    """Write an n-gram, right-aligned, and its order, adjusted and raw count as entry n; → the number of entries.

    listed: the count it has in the counts of counts.
    """
    for j in range(gram.shape[0] - k, gram.shape[0]):
        grams[n, j] = gram[j]
    facts[n, 0], facts[n, 1], facts[n, 2], facts[n, 3] = k, adjusted, raw, listed
    return n + 1


@compiled
def adjust(rows, counts, last, before, opened, adjusted, raw, grams, facts):
    """All n-grams that end with these sorted rows (n, N) and their counts; → how many were written.

    The adjusted count of an n-gram is its count in the text where it is of the highest order or begins with <s>, else
    the number of different words before it. Shorter n-grams are written once their ending changes, or at the `last`
    row. before (N,), opened (1,), adjusted and raw (N,) are what is still open from the rows of an earlier call.
    grams (n N + N, N) and facts (n N + N, 4) take the n-grams.
    """
    order, n, depth = rows.shape[1], 0, opened[0]
    for i in range(rows.shape[0]):
        row, count = rows[i], counts[i]
        same = 0
        while same < depth and row[order - 1 - same] == before[order - 1 - same]:
            same += 1
        while depth > same:
            n = emit(grams, facts, n, before, depth, adjusted[depth - 1], raw[depth - 1], adjusted[depth - 1])
            depth -= 1
        for k in range(same):
            raw[k] += count
        if same:
            adjusted[same - 1] += 1
        before[:] = row
        depth += 1
        while depth < order and row[order - depth] != BEGIN_ID:
            adjusted[depth - 1], raw[depth - 1] = 1, count
            depth += 1
        if depth < order:  # it begins with <s>, so nothing stands before it
            adjusted[depth - 1], raw[depth - 1] = count, count
        else:
            n = emit(grams, facts, n, row, order, count, count, count)
            depth -= 1
    while last and depth > 0:  # KenLM lists the very last with their raw counts; so do we, to be equal to all digits
        n = emit(grams, facts, n, before, depth, adjusted[depth - 1], raw[depth - 1], raw[depth - 1])
        depth -= 1
    opened[0] = depth
    return n


@compiled
def count_counts(facts, found):
    """Add to found (N, 5) how many n-grams of each order have each adjusted count below 5."""
    for i in range(facts.shape[0]):
        if facts[i, 3] < 5:
            found[facts[i, 0] - 1, facts[i, 3]] += 1
