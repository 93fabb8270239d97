"""Texts that are the same but for one word: which of one corpus are found again in another."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

_FEWEST = 4  # words; shorter texts are alike by chance


def near_texts(known: Sequence[str], asked: Sequence[str]) -> list[str | None]:
    """For each text of `asked` one of `known` within one word of it, an equal one where there is one; else None.

    Within one word: equal, or a word of one is changed, missing or added in the other. Texts of fewer than four words
    are only found equal. `asked` is held in memory with every word left out once; `known` is walked through.
    """
    index = _Index(asked)
    found: list[str | None] = [None] * len(asked)
    equal: set[int] = set()
    for text in dict.fromkeys(known):
        words = text.split()
        for i in index.whole.get(" ".join(words), ()):
            found[i] = text
            equal.add(i)
        for i in index.within_one_word(words):
            if i not in equal:
                found[i] = text
    return found


class _Index:
    """Texts by what they are, what is left of them without a word, and that with the place of the word.

    What has answered once is forgotten: in a corpus of commands each is within a word of very many.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self.whole: dict[str, list[int]] = defaultdict(list)
        self.longer: dict[str, list[int]] = defaultdict(list)
        self.shorter: dict[str, list[int]] = defaultdict(list)
        self.changed: dict[tuple[int, str], list[int]] = defaultdict(list)
        for i, text in enumerate(texts):
            words = text.split()
            self.whole[" ".join(words)].append(i)
            if len(words) >= _FEWEST:
                self.longer[" ".join(words)].append(i)
                for place, rest in _left_out(words):
                    self.shorter[rest].append(i)
                    self.changed[place, rest].append(i)

    def within_one_word(self, words: Sequence[str]) -> Iterator[int]:
        """The texts that are `words` with one changed, added or missing."""
        if len(words) < _FEWEST:
            return
        yield from self.shorter.pop(" ".join(words), ())
        for place, rest in _left_out(words):
            yield from self.changed.pop((place, rest), ())
            yield from self.longer.pop(rest, ())


def _left_out(words: Sequence[str]) -> Iterator[tuple[int, str]]:
    """Every place, and the words without the one there."""
    for place in range(len(words)):
        yield place, " ".join([*words[:place], *words[place + 1 :]])
