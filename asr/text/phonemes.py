"""One token a phone: words are spelt as a pronunciation lexicon says."""

from typing import Any

from asr.text.lexicon import Lexicon, Phones
from asr.text.phonetic import Phonetic


class PhonemeTokenizer(Phonetic):
    """Phones as ids: the blank, the boundary between words, then the lexicon's phones in code point order.

    Fits interfaces.PhoneticTokenizer.
    """

    kind = "phoneme"

    def __init__(self, lexicon: Lexicon) -> None:
        super().__init__(lexicon, lexicon.phones, lexicon.phones)
        self._ids = {phone: i for i, phone in enumerate(self._phones)}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> "PhonemeTokenizer":
        """The tokenizer whose `state()` this is."""
        return cls(Lexicon.from_lines(state["lexicon"].splitlines()))

    def state(self) -> dict[str, Any]:
        """Plain data from which `tokenizer_from_state` builds this tokenizer again; holds the whole lexicon."""
        return {"kind": self.kind, "tokens": list(self.tokens), "lexicon": "\n".join(self.lexicon.lines())}

    def _spelt(self, phones: Phones) -> tuple[int, ...]:
        return tuple(self._ids[phone] for phone in phones)
