"""Text as word ids, compiled: words between white space, or characters. A sentence is a line and ends in </s>."""

import numpy as np

from asr.kernels.compiled import compiled, part
from asr.lm.kernels.words import FULL, add_word, find_word, is_space

UNKNOWN_ID, BEGIN_ID, END_ID = 0, 1, 2  # <unk>, <s>, </s> come first in every vocabulary, as KenLM has them
DONE, GROW, RESERVED = range(3)
_BAR = np.frombuffer(b"|", np.uint8)


@part
def id_of(slots, arena, starts, size, closed, data, begin, end):
    """The id of data[begin:end]: <unk> where a closed vocabulary lacks it, FULL where an open one must grow first."""
    if not closed:
        return add_word(slots, arena, starts, size, data, begin, end)
    i = find_word(slots, arena, starts, data, begin, end)[0]
    return slots[i] & 0xFFFFFFFF if i >= 0 else np.int64(UNKNOWN_ID)


@compiled
def split_words(data, at, slots, arena, starts, size, closed, ids):
    """The words of data[at:], whole lines, into ids; a word not in a `closed` vocabulary is <unk>.

    → where it stopped, how many ids, and a code: DONE, GROW where the vocabulary must grow before the word at `at` is
    added, or RESERVED where <s>, </s> or <unk> stands in the text.
    """
    n = 0
    while at < data.shape[0]:
        if data[at] == 10:
            ids[n] = END_ID
            n += 1
            at += 1
        elif is_space(data[at]):
            at += 1
        else:
            end = at + 1
            while not is_space(data[end]):
                end += 1
            word = id_of(slots, arena, starts, size, closed, data, at, end)
            if word == FULL:
                return at, n, GROW
            if word <= END_ID and data[at] == 60 and find_word(slots, arena, starts, data, at, end)[0] >= 0:  # <
                return at, n, RESERVED
            ids[n] = word
            n += 1
            at = end
    return at, n, DONE


@compiled
def split_characters(data, at, slots, arena, starts, size, closed, ids):
    """The same with every character as a word, and `|` for the white space between words."""
    n = 0
    while at < data.shape[0]:
        byte = data[at]
        if byte == 10:
            ids[n] = END_ID
            n += 1
            at += 1
        elif is_space(byte):
            end = at + 1
            while data[end] != 10 and is_space(data[end]):
                end += 1
            if at > 0 and data[at - 1] != 10 and data[end] != 10:
                word = id_of(slots, arena, starts, size, closed, _BAR, 0, 1)
                if word == FULL:
                    return at, n, GROW
                ids[n] = word
                n += 1
            at = end
        elif byte == 124:  # |
            return at, n, RESERVED
        else:
            end = at + (1 if byte < 0x80 else 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4)
            word = id_of(slots, arena, starts, size, closed, data, at, end)
            if word == FULL:
                return at, n, GROW
            ids[n] = word
            n += 1
            at = end
    return at, n, DONE
