"""One token a tied triphone: a phone in the context of its neighbours, many triphones to a unit."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from asr.errors import VocabularyError
from asr.text.lexicon import Lexicon, Phones
from asr.text.phonetic import Phonetic
from asr.text.tying import EDGE, Triphone, tie, triphones


class TriphoneTokenizer(Phonetic):
    """Word-internal triphones, tied, as ids: the blank, the boundary, every phone, then what contexts were counted.

    `units` maps each triphone of the lexicon to the name of its unit, many to one; the phone itself is a unit always,
    for triphones the map does not know. Fits interfaces.PhoneticTokenizer.
    """

    kind = "triphone"

    def __init__(self, lexicon: Lexicon, units: Mapping[Triphone, str]) -> None:
        """Raises VocabularyError: the lexicon has a phone `#`, or one unit is to stand for two phones."""
        if EDGE in lexicon.phones:
            raise VocabularyError(f"lexicon: has a phone {EDGE!r}, which marks the ends of words; rename that phone")
        self.units = dict(units)
        phones = {phone: phone for phone in lexicon.phones}
        for triphone, unit in self.units.items():
            if phones.setdefault(unit, triphone[1]) != triphone[1]:
                raise VocabularyError(f"lexicon: {unit!r} is two units; expected one; rename phones that hold - or +")
        names = [*lexicon.phones, *sorted(phones.keys() - set(lexicon.phones))]
        super().__init__(lexicon, names, [phones[name] for name in names])
        self._ids = {name: i for i, name in enumerate(self._tokens)}

    @classmethod
    def build(cls, lexicon: Lexicon, texts: Iterable[str], count: int) -> "TriphoneTokenizer":
        """The tokenizer whose own units are the triphones that `texts` hold `count` times or more.

        Counted in the usual pronunciation of each word, which is what is trained; words without one are passed over.
        """
        words = Counter(word for text in texts for word in text.split() if word in lexicon)
        counts: Counter[Triphone] = Counter()
        for word, times in words.items():
            for triphone in triphones(lexicon.pronunciations[word][0]):
                counts[triphone] += times
        every = {t: None for ways in lexicon.pronunciations.values() for way in ways for t in triphones(way)}
        return cls(lexicon, tie(counts, every, count))

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> "TriphoneTokenizer":
        """The tokenizer whose `state()` this is."""
        lexicon = Lexicon.from_lines(state["lexicon"].splitlines())
        return cls(lexicon, {_triphone(key): unit for key, unit in state["units"].items()})

    def state(self) -> dict[str, Any]:
        """Plain data: the whole lexicon, and the unit of each triphone by `left phone right`."""
        units = {" ".join(triphone): unit for triphone, unit in self.units.items()}
        lexicon = "\n".join(self.lexicon.lines())
        return {"kind": self.kind, "tokens": list(self.tokens), "lexicon": lexicon, "units": units}

    def _spelt(self, phones: Phones) -> tuple[int, ...]:
        return tuple(self._ids[self.units.get(triphone, triphone[1])] for triphone in triphones(phones))


def _triphone(key: str) -> Triphone:
    left, phone, right = key.split(" ")
    return left, phone, right
