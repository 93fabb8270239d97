"""A lexicon of spelt words as a trie whose siblings are neighbours."""

import numpy as np

from asr.kernels.compiled import compiled


@compiled
def spell_out(begin, symbols, ahead_of):
    """The trie of entries sorted by their spelling: (parent, depth, symbol, begin, own_end, end, ahead), nodes as met.

    Entry e is symbols[begin[e]:begin[e + 1]], not empty; ahead_of (E,) its log probability.
    """
    entries, room = begin.shape[0] - 1, symbols.shape[0] + 1
    parent, depth, symbol = np.full(room, -1, np.int32), np.zeros(room, np.int32), np.full(room, -1, np.int32)
    first, own, end = np.zeros(room, np.int32), np.zeros(room, np.int32), np.zeros(room, np.int32)
    ahead, path = np.full(room, -np.inf), np.zeros(room, np.int32)
    nodes, before = 1, 0
    for e in range(entries):
        length, shared = begin[e + 1] - begin[e], 0
        while shared < length and shared < before and symbol[path[shared + 1]] == symbols[begin[e] + shared]:
            shared += 1
        for i in range(shared, length):
            parent[nodes], depth[nodes], symbol[nodes] = path[i], i + 1, symbols[begin[e] + i]
            first[nodes], own[nodes] = e, e
            path[i + 1] = nodes
            nodes += 1
        own[path[length]] = e + 1
        for i in range(length + 1):
            end[path[i]] = e + 1
            ahead[path[i]] = max(ahead[path[i]], ahead_of[e])
        before = length
    return parent[:nodes], depth[:nodes], symbol[:nodes], first[:nodes], own[:nodes], end[:nodes], ahead[:nodes]
