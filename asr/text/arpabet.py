"""English sounds as eSpeak NG writes them, in IPA, as the phones of CMUdict."""

from collections.abc import Iterable

from asr.errors import VocabularyError
from asr.text.lexicon import Phones

_ARPABET = {
    # vowels
    "iː": "IY", "iːː": "IY", "i": "IY", "ɪ": "IH", "ᵻ": "IH", "e": "EH", "ɛ": "EH", "æ": "AE", "a": "AE", "aa": "AE",
    "ɑː": "AA", "ɑ": "AA", "ɒ": "AA", "ɔː": "AO", "ɔ": "AO", "oː": "AO", "ʊ": "UH", "uː": "UW", "u": "UW",
    "ʌ": "AH", "ə": "AH", "ɐ": "AH", "ɜː": "ER", "ɜ": "ER", "ɚ": "ER", "ɝ": "ER",
    # diphthongs, and vowels with what colours them
    "eɪ": "EY", "aɪ": "AY", "ɔɪ": "OY", "aʊ": "AW", "oʊ": "OW", "əʊ": "OW", "iə": "IY AH", "ɪə": "IH R",
    "eə": "EH R", "ɛː": "EH R", "ʊə": "UH R", "aɪə": "AY AH", "aɪɚ": "AY ER", "aʊə": "AW ER", "ɑːɹ": "AA R",
    "ɔːɹ": "AO R", "oːɹ": "AO R", "ɪɹ": "IH R", "ɛɹ": "EH R", "ʊɹ": "UH R", "ɑ̃": "AA N", "ɔ̃": "AO N",
    # consonants
    "p": "P", "b": "B", "t": "T", "d": "D", "k": "K", "ɡ": "G", "g": "G", "ɾ": "T", "ʔ": "T", "tʃ": "CH", "dʒ": "JH",
    "f": "F", "v": "V", "θ": "TH", "ð": "DH", "s": "S", "z": "Z", "ʃ": "SH", "ʒ": "ZH", "h": "HH", "x": "K",
    "m": "M", "n": "N", "ŋ": "NG", "nʲ": "N Y", "l": "L", "ɬ": "L", "r": "R", "ɹ": "R", "j": "Y", "w": "W",
    "əl": "AH L", "l̩": "AH L", "n̩": "AH N", "m̩": "AH M",
}  # fmt: skip


def arpabet(sounds: Iterable[str]) -> Phones:
    """IPA sounds, without marks of stress, as ARPABET phones. Raises VocabularyError for a sound English has not.

    A vowel that ends in r takes the r that follows into itself, as in CMUdict: borrow is B AA R OW, hero HH IH R OW.
    So made, one phone in ten differs from CMUdict (5000 random words, en-us).
    """
    sounds = list(sounds)
    phones: list[str] = []
    for sound, following in zip(sounds, [*sounds, ""][1:], strict=True):
        if sound == "iə" and following == "ɹ":
            sound = "ɪɹ"
        if sound not in _ARPABET:
            raise VocabularyError(f"{sound!r} is no sound of English; expected one of ARPABET's; choose --phones ipa")
        for phone in _ARPABET[sound].split():
            if phone != "R" or not phones or phones[-1] not in ("R", "ER"):
                phones.append(phone)
    return tuple(phones)
