"""From recordings and transcripts somebody has to utterances in splits. Knows durations and splits, not formats.

Nothing is copied: the manifests point at the recordings where they lie.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from asr.audio.io import probe
from asr.corpora.prepared import Progress, begin, fingerprint, finish
from asr.errors import AudioError, ManifestError
from asr.files import write_text
from asr.seeding import generator
from asr.types import Utterance

SKIPPED = "skipped.txt"  # beside the manifests: what skip_bad left out, and why
_THREADS = 8  # reading headers waits for the disk
_SHARE = 0.1  # of the utterances for dev, and for test
_SPLIT_NAMES = {
    "train": "train", "training": "train", "dev": "dev", "valid": "dev", "validation": "dev", "val": "dev",
    "development": "dev", "test": "test", "testing": "test", "eval": "test",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Listed:
    """A recording and its transcript as found: duration [s] and split are None where the source has none."""

    id: str
    audio: Path
    text: str
    duration: float | None = None
    speaker: str | None = None
    split: str | None = None
    offset: float = 0.0  # s into the recording
    extra: dict[str, Any] = field(default_factory=dict)


def prepare_listed(
    out: Path,
    corpus: str,
    source: Path,
    listed: Sequence[Listed],
    *,
    seed: int,
    skip_bad: bool,
    progress: Progress,
) -> dict[str, Path]:
    """Measure what is listed, split it and write the manifests, unless that was done with the same arguments.

    `listed` holds one utterance or more. Raises ManifestError as `measure` and `into_splits` do.
    """
    arguments = {
        "corpus": corpus, "source": source.resolve(), "seed": seed, "skip_bad": skip_bad,
        "contents": fingerprint({item.audio for item in listed}, repr(listed)),
    }  # fmt: skip
    done = begin(out, arguments)
    if done is not None:
        return done
    found = measure(listed, source, out, skip_bad, progress)
    return finish(out, arguments, into_splits(found, source, seed))


def measure(
    listed: Sequence[Listed], source: Path, out: Path, skip_bad: bool, progress: Progress
) -> list[tuple[str | None, Utterance]]:
    """The utterances with their splits, durations read from the recordings where none is given.

    Every header is read, in parallel. What cannot be read is an error that names the first few, or with
    `skip_bad` is left out and listed in `out`/skipped.txt. Raises ManifestError for that, and for an id that
    stands twice.
    """
    name, count = Counter(item.id for item in listed).most_common(1)[0]
    if count > 1:
        raise ManifestError(
            f"{source}: {name!r} is listed {count} times; expected each recording once; remove the repetitions"
        )
    with ThreadPoolExecutor(_THREADS) as pool:
        found = list(progress(pool.map(_duration, listed), "reading headers", len(listed)))
    bad = [str(duration) for duration in found if isinstance(duration, AudioError)]
    if len(bad) == len(listed) or (bad and not skip_bad):
        raise ManifestError(
            f"{source}: {len(bad)} of {len(listed)} recordings cannot be read: {' | '.join(bad[:3])}"
            f"{' | …' if len(bad) > 3 else ''}; expected whole recordings; mend them or pass --skip-bad"
        )
    if bad:
        write_text(out / SKIPPED, "".join(f"{reason}\n" for reason in bad))
    else:
        (out / SKIPPED).unlink(missing_ok=True)
    return [
        (item.split, _utterance(item, duration))
        for item, duration in zip(listed, found, strict=True)
        if not isinstance(duration, AudioError)
    ]


def _utterance(item: Listed, duration: float) -> Utterance:
    return Utterance(item.id, item.audio, duration, item.text, item.speaker, item.offset, item.extra)


def _duration(item: Listed) -> float | AudioError:
    try:
        measured = probe(item.audio).duration
    except AudioError as error:
        return error
    return measured - item.offset if item.duration is None else item.duration


def into_splits(found: Sequence[tuple[str | None, Utterance]], source: Path, seed: int) -> dict[str, list[Utterance]]:
    """The utterances by split: the source's own splits where it names any, else 80/10/10 drawn with `seed`.

    Whole speakers are drawn where every utterance has one and there are three or more, else utterances. A source
    that names a training and no dev split gets one from its training utterances. Raises ManifestError: a split
    of unknown name, splits without a train, fewer than three utterances.
    """
    if any(split is not None for split, _ in found):
        return _named(found, source, seed)
    utterances = [utterance for _, utterance in found]
    if len(utterances) < 3:
        raise ManifestError(
            f"{source}: {len(utterances)} utterances; expected at least 3, one for each split; add recordings"
        )
    speakers = Counter(utterance.speaker for utterance in utterances)
    if None not in speakers and len(speakers) >= 3:
        return _draw(utterances, lambda utterance: utterance.speaker, seed)
    return _draw(utterances, lambda utterance: utterance.id, seed)


def _named(found: Sequence[tuple[str | None, Utterance]], source: Path, seed: int) -> dict[str, list[Utterance]]:
    splits: dict[str, list[Utterance]] = {"train": [], "dev": [], "test": []}
    for name, utterance in found:
        split = _SPLIT_NAMES.get((name or "train").strip().lower())
        if split is None:
            raise ManifestError(
                f"{source}: split {name!r} of {utterance.id!r}; expected train, dev or test; mend the split"
            )
        splits[split].append(utterance)
    if not splits["train"]:
        raise ManifestError(f"{source}: no utterance has split 'train'; expected some; mend the splits")
    if not splits["dev"] and len(splits["train"]) > 1:
        drawn = _draw(splits["train"], lambda utterance: utterance.id, seed)
        splits["train"], splits["dev"] = drawn["train"] + drawn["test"], drawn["dev"]
    return splits


def _draw(
    utterances: Sequence[Utterance], group: Callable[[Utterance], str | None], seed: int
) -> dict[str, list[Utterance]]:
    """Whole groups into test and dev until each has its share; a group above twice that is taken last."""
    counts = Counter(group(utterance) for utterance in utterances)
    names = sorted(counts, key=str)
    shuffled = [names[i] for i in generator(seed).permutation(len(names))]
    large = 2 * _SHARE * len(utterances)
    shuffled.sort(key=lambda name: counts[name] if counts[name] > large else 0)
    wanted = max(1, int(_SHARE * len(utterances)))
    place: dict[str | None, str] = {}
    for split in ("test", "dev"):
        filled = 0
        while filled < wanted and len(place) < len(names) - (2 if split == "test" else 1):
            name = shuffled[len(place)]
            place[name] = split
            filled += counts[name]
    splits: dict[str, list[Utterance]] = {"train": [], "dev": [], "test": []}
    for utterance in utterances:
        splits[place.get(group(utterance), "train")].append(utterance)
    return splits
