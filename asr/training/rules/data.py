"""Rules on what a run learns from: waiting for it, padding, labels without room, recordings of another rate."""

from asr.training.history import Diagnosis, History

_ROWS = 20  # log lines the pace is judged by, and the fewest of them that say anything
_FEWEST = 5
_WAITS, _PADDED = 0.3, 0.3  # shares of time and of samples above which most is gained by mending them
_INFEASIBLE, _MOST = 0.01, 0.5  # shares of utterances
_BAND = 0.5  # share of the recordings listened to


def waiting(h: History) -> Diagnosis | None:
    """The device waits for data."""
    share = h.now("data_wait", _ROWS) if len(h.steps) >= _FEWEST else None
    if share is None or share <= _WAITS:
        return None
    return Diagnosis(
        "waiting for data",
        f"{share:.0%} of the time goes into waiting for audio",
        "more data.workers; wav or flac rather than mp3 and long files; less of perturb.*",
    )


def padding(h: History) -> Diagnosis | None:
    """Much of what is computed is padding."""
    share = h.now("padding", _ROWS) if len(h.steps) >= _FEWEST else None
    if share is None or share <= _PADDED:
        return None
    return Diagnosis(
        "too much padding",
        f"{share:.0%} of every batch is padding: recordings of very different lengths meet",
        "lower data.batch_seconds so that fewer lengths meet, or data.max_duration",
    )


def infeasible(h: History) -> Diagnosis | None:
    """Utterances whose labels find no room in their frames: some, or most."""
    utterances, before = h.known("utterances"), h.known("infeasible_share") or 0.0
    met = max(h.values("infeasible", h.steps[-1:]), default=0.0) / utterances if utterances else 0.0
    share = max(before, met)
    if share <= _INFEASIBLE:
        return None
    each = h.known("frames_per_label")
    room = "" if each is None else f"; half of all have {each:.2g} frames a label or less"
    if share > _MOST:
        return Diagnosis(
            "length mismatch",
            f"{share:.0%} of the training utterances have more labels than frames{room}",
            "lower model.subsampling or features.hop_length; are texts and recordings those of each other? `asr check`",
        )
    return Diagnosis(
        "targets without room",
        f"{share:.1%} of the training utterances have more labels than frames and teach nothing{room}",
        "lower model.subsampling, the fastest perturb.speed, or text.tokenizer=bpe; `asr check` names them",
    )


def rate(h: History) -> Diagnosis | None:
    """Most recordings have less bandwidth than the features look at."""
    wanted, usual = h.known("sample_rate"), h.known("usual_rate")
    lower, narrow = h.known("lower_rate_share") or 0.0, h.known("narrow_share") or 0.0
    if wanted is None or usual is None or max(lower, narrow) <= _BAND:
        return None
    below = h.known("usual_lower_rate") or usual  # of a log of before the first was known
    if lower > _BAND and below < wanted:
        return Diagnosis(
            "sample rates differ",
            f"{lower:.0%} of the recordings have a lower rate than {wanted:.0f} Hz, mostly {below:.0f} Hz: nothing in "
            f"those is above {below / 2:.0f} Hz",
            f"features.sample_rate={below:.0f}, its win_length, hop_length and n_fft in proportion; or record at "
            f"{wanted:.0f} Hz",
        )
    return Diagnosis(
        "narrow band",
        f"{narrow:.0%} of the recordings hold nothing above {wanted / 4:.0f} Hz though they are read at {wanted:.0f} "
        "Hz: they were recorded at a lower rate and converted",
        f"features.sample_rate={wanted / 2:.0f}, or features.f_max={wanted / 4:.0f}",
    )


RULES = (waiting, padding, infeasible, rate)
