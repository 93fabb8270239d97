"""Pronunciations of words that no lexicon has, as eSpeak NG says them. The library runs in a process of its own."""

import json
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Literal

from asr.corpora.espeak import require_extra
from asr.errors import ManifestError, VocabularyError
from asr.text.arpabet import arpabet
from asr.text.lexicon import Lexicon, Phones

PhoneSet = Literal["arpabet", "ipa"]

_STRESS = str.maketrans(dict.fromkeys("ˈˌ"))
_SWITCH = re.compile(r"\([^)]*\)")  # (en): from here on in another language


def phone_set(language: str) -> PhoneSet:
    """The phones a language's words are written in unless told: those of CMUdict for English, else IPA."""
    return "arpabet" if re.match(r"en(-|$)", language) else "ipa"


def extend(
    base: Lexicon, words: Iterable[str], language: str = "en-us", phones: PhoneSet | None = None
) -> tuple[Lexicon, list[VocabularyError]]:
    """`base` and an entry for each of `words` that it lacks, in order; and an error for each that has no sounds.

    `language` is an eSpeak NG voice, such as en-us or de. Raises ManifestError: the extra `synth` is missing where a
    word needs it, or the package has no such voice.
    """
    unknown = [word for word in dict.fromkeys(words) if word not in base]
    known = {word: list(ways) for word, ways in base.pronunciations.items()}
    failed = []
    if unknown:
        require_extra("lexicon")
        write = arpabet if (phones or phone_set(language)) == "arpabet" else tuple
        for word, sounds in _pronounced(unknown, language):
            try:
                known[word] = [_phones(word, write(sounds))]
            except VocabularyError as error:
                failed.append(VocabularyError(f"word {word!r}: {error}"))
    return Lexicon(known), failed


def _phones(word: str, phones: Phones) -> Phones:
    if not phones:
        raise VocabularyError("eSpeak NG says nothing; expected sounds; write its pronunciation by hand")
    return phones


def _pronounced(words: Iterable[str], language: str) -> Iterator[tuple[str, list[str]]]:
    """Each word and its sounds in IPA, stress left out."""
    with _process() as (jobs, answers):
        for word in words:
            with suppress(BrokenPipeError):  # it ended; why is the line it left
                jobs.write(json.dumps({"pronounce": word, "voice": language}).encode() + b"\n")
                jobs.flush()
            line = answers.readline()
            answer = json.loads(line) if line else {"error": "the process ended"}
            if "error" in answer:
                raise ManifestError(
                    f"lexicon: eSpeak NG as {language} cannot say {word!r} ({answer['error']}); expected one of its "
                    "voices, such as en-us or de; choose another --language"
                )
            sounds = _SWITCH.sub(" ", answer["sounds"]).translate(_STRESS)
            yield word, re.split(r"[_\s]+", sounds.strip("_ \n")) if sounds.strip("_ \n") else []


@contextmanager
def _process() -> Iterator[tuple]:
    """Where jobs are written to and answers read from."""
    command = [sys.executable, "-m", "asr.corpora.espeak_process"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        yield process.stdin, process.stdout
    finally:
        process.kill()
        process.communicate()
