"""Words as numbers, compiled: a growing hash table from the bytes of a word to its id, in order of arrival.

The table is four arrays. slots (H,) int64, H a power of two: -1, or 31 bits of the word's hash above its id. arena: the
bytes of all words one after another; starts (room + 1,) int64: where each begins. size (1,) int64: how many there are.
"""

import numpy as np

from asr.kernels.compiled import compiled, part

FULL = -1  # no room for a word that is not there


@part
def is_space(byte):
    """ASCII white space, and NUL, which KenLM counts as such; other spaces are part of words."""
    return byte == 32 or 9 <= byte <= 13 or byte == 0


@part
def hash_of(data, begin, end):
    """FNV-1a over the bytes, its high bits mixed into the low ones."""
    h = np.uint64(0xCBF29CE484222325)
    for i in range(begin, end):
        h = (h ^ np.uint64(data[i])) * np.uint64(0x100000001B3)
    return h ^ (h >> np.uint64(29))


@part
def find_word(slots, arena, starts, data, begin, end):
    """The slot of the word data[begin:end], or -1 - the empty slot where it would stand; and its hash's 31 bits."""
    h = hash_of(data, begin, end)
    mask, tag = np.int64(slots.shape[0] - 1), np.int64(h >> np.uint64(33))
    i = np.int64(h & np.uint64(mask))
    while slots[i] >= 0:
        if slots[i] >> 32 == tag:
            word = slots[i] & 0xFFFFFFFF
            a = starts[word]
            same = starts[word + 1] - a == end - begin
            j = 0
            while same and j < end - begin:
                same = arena[a + j] == data[begin + j]
                j += 1
            if same:
                return i, tag
        i = (i + 1) & mask
    return -1 - i, tag


@part
def add_word(slots, arena, starts, size, data, begin, end):
    """The id of the word data[begin:end], given anew where it has none; FULL where the table must grow first."""
    i, tag = find_word(slots, arena, starts, data, begin, end)
    if i >= 0:
        return slots[i] & 0xFFFFFFFF
    word = size[0]
    a = starts[word]
    b = a + end - begin
    if word + 1 >= starts.shape[0] or 2 * word >= slots.shape[0] or b > arena.shape[0]:
        return np.int64(FULL)
    for j in range(end - begin):
        arena[a + j] = data[begin + j]
    starts[word + 1], size[0] = b, word + 1
    slots[-1 - i] = (tag << 32) | word
    return word


@compiled
def add_lines(slots, arena, starts, size, data, at, ids, fresh):
    """Add the words of data[at:], one a line ending in a newline; → where it stopped: the end, or before it if full.

    ids: the id of each line's word, from ids[0] on; fresh: whether it was new, 1 or 0. Both as long as lines.
    """
    n = 0
    while at < data.shape[0]:
        end = at
        while data[end] != 10:
            end += 1
        before = size[0]
        word = add_word(slots, arena, starts, size, data, at, end)
        if word == FULL:
            break
        ids[n], fresh[n] = word, size[0] != before
        n += 1
        at = end + 1
    return at, n


@compiled
def rehash(slots, arena, starts, count):
    """Fill empty slots with the first `count` words."""
    mask = np.int64(slots.shape[0] - 1)
    for word in range(count):
        h = hash_of(arena, starts[word], starts[word + 1])
        i = np.int64(h & np.uint64(mask))
        while slots[i] >= 0:
            i = (i + 1) & mask
        slots[i] = (np.int64(h >> np.uint64(33)) << 32) | word
