"""A picture of one utterance for the report: its spectrogram, the emissions over time, and the words in them."""

import base64
import io
from collections.abc import Callable, Sequence

import numpy as np

_RANGE = 70.0  # dB below the loudest that are drawn
_TOKENS = 12  # rows of emissions: the tokens that come nearest to certainty
_WIDTH = 10.0  # inches

Words = Sequence[tuple[str, float, float]]


def draw_utterance(
    waveform: np.ndarray, sample_rate: int, emissions: np.ndarray, frame_seconds: float, tokens: Sequence[str],
    said: Words,
) -> str:  # fmt: skip
    """The picture as a data: address of a PNG.

    waveform (S,), emissions (T, V) log probabilities (nats), a frame every `frame_seconds`; `said` are the words of the
    reference where forced alignment puts them, (word, start, end) in seconds. A word that the font cannot write is
    drawn as its number in the reference, such a token as its code points.
    """
    from matplotlib.figure import Figure  # half a second that only this function needs

    written = _writer()
    seconds = len(waveform) / sample_rate
    figure = Figure(figsize=(_WIDTH, 4.6), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True)
    above.imshow(
        _spectrogram(waveform, sample_rate), origin="lower", aspect="auto", cmap="magma",
        extent=(0, seconds, 0, sample_rate / 2000),
    )  # fmt: skip
    above.set_ylabel("kHz")
    above.set_title("spectrogram, and the reference's words where they fit best", fontsize=9)
    for number, (word, start, end) in enumerate(said, 1):
        above.axvspan(start, end, color="white", alpha=0.18)
        above.text(
            (start + end) / 2, sample_rate / 2000 * 0.9, written(word) or f"({number})", color="white", fontsize=7,
            ha="center", parse_math=False,
        )  # fmt: skip
    chosen = _likeliest(emissions)
    below.imshow(
        np.exp(emissions[:, chosen]).T, aspect="auto", cmap="Blues", vmin=0, vmax=1, interpolation="nearest",
        extent=(0, len(emissions) * frame_seconds, len(chosen) - 0.5, -0.5),
    )  # fmt: skip
    names = [_visible(tokens[token]) for token in chosen]
    labels = [written(name) or " ".join(f"U+{ord(letter):04X}" for letter in name) for name in names]
    below.set_yticks(range(len(chosen)), labels, fontsize=7, parse_math=False)
    below.set_xlabel("s")
    below.set_title("emissions: how probable each token is", fontsize=9)
    below.set_xlim(0, seconds)
    file = io.BytesIO()
    figure.savefig(file, dpi=90, format="png", pil_kwargs={"optimize": True})
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"


def _spectrogram(waveform: np.ndarray, sample_rate: int) -> np.ndarray:
    """(S,) → (frequencies, frames) in dB, 25 ms every 10 ms."""
    length, hop = round(0.025 * sample_rate), round(0.010 * sample_rate)
    padded = np.pad(waveform, (0, max(0, length - len(waveform))))
    frames = np.lib.stride_tricks.sliding_window_view(padded, length)[::hop] * np.hanning(length)
    power = 10 * np.log10(np.abs(np.fft.rfft(frames)) ** 2 + 1e-10).T
    return np.maximum(power, power.max() - _RANGE)


def _likeliest(emissions: np.ndarray) -> list[int]:
    """The blank, and the tokens with the highest peaks in the order in which these come."""
    peaks = emissions[:, 1:].max(0)
    best = 1 + np.argsort(-peaks)[: _TOKENS - 1]
    return [0, *sorted(best.tolist(), key=lambda token: int(emissions[:, token].argmax()))]


def _writer() -> Callable[[str], str]:
    """A function that returns a text where matplotlib's own font has all its letters, else nothing: boxes tell less."""
    from matplotlib.font_manager import findfont, get_font

    known = get_font(findfont("DejaVu Sans")).get_charmap()
    return lambda text: text if all(ord(letter) in known for letter in text) else ""


def _visible(token: str) -> str:
    return {"": "blank", " ": "␣"}.get(token, token)
