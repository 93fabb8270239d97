"""What is odd about how recordings sound: findings from their measures."""

from collections import Counter
from collections.abc import Iterator

from asr.audio.measure import Measures
from asr.data.findings import Finding, about
from asr.data.material import Material, Spoken

_SILENCE = 1e-4  # largest amplitude of what is called silent: 3 steps of 16 bits
# share of samples in flat tops: cut at 0.7 of their height, recordings of seven corpora have a median of 0.0005 to
# 0.005 of them, and untouched ones, in 16 and 8 bits and µ-law, none
_CLIPPED = 3e-4
# standard deviations: untouched, in 8 bits and in µ-law, the most of 1,490 recordings of seven corpora is 9; cut at 0.3
# of their height at 44.1 kHz and brought to 16 kHz, 230 of 400 come to more than 12, cut at 0.5, 42
_PILED = 12.0
# dB: of 1,490 recordings of seven corpora, all come to less with white noise 5 dB below the speech; untouched, 4 do (3
# of 400 single digits, 1 of 100 of Common Voice), and 99 in 100 of each corpus come to 17 or more, of digits to 7
_NOISY = 6.0
_BEYOND = 4.0  # times full scale: decoded MP3 and Opus overshoot to 2 at most, integers in float begin at 128
_FAINT = -45.0  # dB of full scale
_OFFSET = 0.01  # of full scale
_PAUSE = 2.0  # s of silence at the ends together
_SILENT = 0.75  # share of the frames
_NARROW = 0.6  # of the band that features use
_USUAL = 16000  # Hz, of features


def sound_findings(material: Material, sample_rate: int | None) -> Iterator[Finding]:
    """Warnings about single recordings, then about what a manifest is mixed of.

    Features use `sample_rate` [Hz]; None: as much of what was recorded as they usually do.
    """
    for spoken in material:
        if spoken.measures is not None:
            yield from (about(spoken.manifest, spoken.utterance.id, kind, what) for kind, what in oddities(spoken))
    yield from _rates(material)
    yield from _narrow(material, sample_rate)


def oddities(spoken: Spoken) -> Iterator[tuple[str, str]]:
    """(kind, what it is and what to do) of everything odd about how an utterance sounds."""
    m = spoken.measures
    if m is None:
        return
    if m.peak < _SILENCE:
        yield "silence", f"{spoken.utterance.audio} is silent; expected speech; listen to it or drop it"
        return
    if m.peak > _BEYOND:  # what else is measured is in another scale, too
        what = f"its largest sample is {m.peak:.6g} times full scale; expected 1 at most"
        yield "beyond full scale", f"{what}; write it again as floats in [-1, 1]"
        return
    yield from _distortions(m)
    if m.noise_ratio < _NOISY:
        what = f"its speech is {m.noise_ratio:.0f} dB above its noise; expected {_NOISY:g} or more"
        yield "noise", f"{what}; listen to it: noise, or no pause"
    duration = spoken.utterance.duration
    if m.lead + m.trail > _PAUSE or (m.silent > _SILENT and duration > _PAUSE):
        ends = f"{m.lead:.1f} s of silence before, {m.trail:.1f} s after, {100 * m.silent:.0f} % in all"
        yield "long silence", f"{ends}; expected little; cut it, or compare audio and text"


def _distortions(m: Measures) -> Iterator[tuple[str, str]]:
    if m.clipped > _CLIPPED:
        yield "clipping", f"{100 * m.clipped:.2f} % of its samples are cut off; expected none; record lower or drop it"
    elif m.piled > _PILED:
        what = "its samples pile up below the largest, as cut off before it was resampled, dithered or encoded"
        yield "clipping", f"{what}; expected none; record lower or drop it"
    if m.level < _FAINT:
        yield (
            "faint",
            f"its loud parts are at {m.level:.0f} dB of full scale; expected {_FAINT:g} or more; listen to it",
        )
    if abs(m.offset) > _OFFSET:
        what = f"its mean is {100 * m.offset:.1f} % of full scale; expected 0"
        yield "DC offset", f"{what}; mend the recorder, or filter below 20 Hz"


def _rates(material: Material) -> Iterator[Finding]:
    for name, utterances in material.manifests.items():
        rates = {u.id: material.recordings[u.audio].rate for u in utterances if not material.recordings[u.audio].error}
        found = Counter(rates.values()).most_common()
        if len(found) > 1:
            counts = ", ".join(f"{count} at {rate} Hz" for rate, count in found)
            what = f"recordings have several sample rates: {counts}; expected one"
            remedy = "features see another band in each: compare error rates"
            others = tuple(id for id, rate in rates.items() if rate != found[0][0])
            yield Finding("sample rates", f"{name}: {what}; {remedy}", name, others)


def _narrow(material: Material, sample_rate: int | None) -> Iterator[Finding]:
    for name, utterances in material.manifests.items():
        known = [(u.id, material.recordings[u.audio], u) for u in utterances if not material.recordings[u.audio].error]
        tops = {id: (sample_rate or min(recording.rate, _USUAL)) / 2 for id, recording, _ in known}
        bands = {id: recording.of(u).bandwidth for id, recording, u in known if recording.of(u).peak >= _SILENCE}
        narrow = tuple(id for id, band in bands.items() if band < _NARROW * tops[id])
        if narrow:
            id = min(narrow, key=lambda id: bands[id])
            what = f"{len(narrow)} of {len(known)} recordings have nothing in the upper {1 - _NARROW:.0%} of the band"
            example = f"utt {id} ends at {bands[id]:.0f} of {tops[id]:.0f} Hz"
            remedy = "set features.sample_rate to what was recorded, or keep them out"
            yield Finding("narrow band", f"{name}: {what}: {example}; expected speech there; {remedy}", name, narrow)
