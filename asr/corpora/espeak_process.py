"""The process that holds eSpeak NG, `python -m asr.corpora.espeak_process`: JSON lines in, speech or sounds out.

eSpeak NG is under the GPL, version 3, and this program is not: the library is loaded here and nowhere else,
nothing imports this file, and it imports nothing of ours. A job is
`{"text", "voice", "rate" [words/min], "pitch" [0-99], "range" [0-99]}`; the answer is a line
`{"sample_rate" [Hz], "samples"}` followed by that many 16-bit samples of the machine's byte order,
or a line `{"error"}`. A job `{"pronounce", "voice"}` is answered by `{"sounds"}`: words in IPA, a space between words,
`_` between sounds. The library carries state from one utterance to the next: the same jobs in the same
order, from the start of a process, give the same speech.
"""

import ctypes
import json
import sys
from typing import Any

_SYNCHRONOUS = 2  # AUDIO_OUTPUT_SYNCHRONOUS: speech goes to the callback, the call returns when it is done
_DONT_EXIT = 0x8000  # espeakINITIALIZE_DONT_EXIT: report missing data instead of leaving
_UTF8 = 1  # espeakCHARS_UTF8
_RATE, _PITCH, _RANGE = 1, 3, 4  # espeak_PARAMETER
_IPA = 0x02 | ord("_") << 8  # phoneme mode: IPA, and what stands between two sounds
_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)


class Engine:
    """The library, initialised: text to 16-bit samples at `sample_rate` Hz."""

    def __init__(self) -> None:
        import espeakng_loader

        self._library = ctypes.CDLL(espeakng_loader.get_library_path())
        self.sample_rate: int = self._library.espeak_Initialize(
            _SYNCHRONOUS, 0, espeakng_loader.get_data_path().encode(), _DONT_EXIT
        )
        if self.sample_rate <= 0:
            raise RuntimeError("espeak_Initialize failed")
        self._library.espeak_ng_SetRandSeed(ctypes.c_long(1))  # it is seeded by the clock otherwise
        self._library.espeak_TextToPhonemes.restype = ctypes.c_char_p
        self._speech = bytearray()
        self._callback = _CALLBACK(self._collect)  # kept, or it is freed under the library
        self._library.espeak_SetSynthCallback(self._callback)

    def _collect(self, samples: int | None, count: int, events: int | None) -> int:
        if samples and count > 0:
            self._speech += ctypes.string_at(samples, 2 * count)
        return 0

    def speak(self, job: dict[str, Any]) -> bytes:
        """The samples of one job. Raises RuntimeError for a voice the package does not have."""
        self._speech.clear()
        self._choose(job["voice"])
        for parameter, name in ((_RATE, "rate"), (_PITCH, "pitch"), (_RANGE, "range")):
            self._library.espeak_SetParameter(parameter, job[name], 0)
        text = job["text"].encode()
        if self._library.espeak_Synth(text, ctypes.c_size_t(len(text) + 1), 0, 0, 0, _UTF8, None, None):
            raise RuntimeError(f"cannot speak {job['text']!r}")
        return bytes(self._speech)

    def pronounce(self, job: dict[str, Any]) -> str:
        """The sounds of one job's text. Raises RuntimeError for a voice the package does not have."""
        self._choose(job["voice"])
        left = ctypes.c_char_p(job["pronounce"].encode())
        clauses = []
        while left.value:  # a call takes a clause, and points at what it left
            clauses.append(self._library.espeak_TextToPhonemes(ctypes.byref(left), _UTF8, _IPA).decode())
        return " ".join(clauses)

    def _choose(self, voice: str) -> None:
        if self._library.espeak_SetVoiceByName(voice.encode()):
            raise RuntimeError(f"no voice {voice!r}")


def main() -> None:
    """Answer jobs until stdin ends."""
    out = sys.stdout.buffer
    try:
        engine = Engine()
    except (ImportError, OSError, RuntimeError) as error:
        out.write(json.dumps({"error": str(error)}).encode() + b"\n")
        return
    for line in sys.stdin:
        try:
            out.write(_answer(engine, json.loads(line)))
        except RuntimeError as error:
            out.write(json.dumps({"error": str(error)}).encode() + b"\n")
        out.flush()


def _answer(engine: Engine, job: dict[str, Any]) -> bytes:
    if "pronounce" in job:
        return json.dumps({"sounds": engine.pronounce(job)}).encode() + b"\n"
    speech = engine.speak(job)
    head = {"sample_rate": engine.sample_rate, "samples": len(speech) // 2}
    return json.dumps(head).encode() + b"\n" + speech


if __name__ == "__main__":
    main()
