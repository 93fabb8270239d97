"""The process that holds eSpeak NG, `python -m asr.corpora.espeak_process`: JSON lines in, speech out.

eSpeak NG is under the GPL, version 3, and this program is not: the library is loaded here and nowhere else,
nothing imports this file, and it imports nothing of ours. A job is
`{"text", "voice", "rate" [words/min], "pitch" [0-99], "range" [0-99]}`; the answer is a line
`{"sample_rate" [Hz], "samples"}` followed by that many 16-bit samples of the machine's byte order,
or a line `{"error"}`. The library carries state from one utterance to the next: the same jobs in the same
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
        if self._library.espeak_SetVoiceByName(job["voice"].encode()):
            raise RuntimeError(f"no voice {job['voice']!r}")
        for parameter, name in ((_RATE, "rate"), (_PITCH, "pitch"), (_RANGE, "range")):
            self._library.espeak_SetParameter(parameter, job[name], 0)
        text = job["text"].encode()
        if self._library.espeak_Synth(text, ctypes.c_size_t(len(text) + 1), 0, 0, 0, _UTF8, None, None):
            raise RuntimeError(f"cannot speak {job['text']!r}")
        return bytes(self._speech)


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
            speech = engine.speak(json.loads(line))
        except RuntimeError as error:
            out.write(json.dumps({"error": str(error)}).encode() + b"\n")
        else:
            head = {"sample_rate": engine.sample_rate, "samples": len(speech) // 2}
            out.write(json.dumps(head).encode() + b"\n" + speech)
        out.flush()


if __name__ == "__main__":
    main()
