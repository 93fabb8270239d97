"""What a check looks at: the manifests, their texts as they are learned, and every recording read to its end."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from asr.audio.measure import Measures
from asr.data.kept import Kept
from asr.data.recordings import Recording, read_all
from asr.types import Utterance

Manifests = Mapping[str, Sequence[Utterance]]


@dataclass(frozen=True, slots=True)
class Spoken:
    """An utterance of a manifest, with its normalised text and its measures; None where it cannot be read."""

    manifest: str
    utterance: Utterance
    text: str
    measures: Measures | None


@dataclass(frozen=True, slots=True)
class Material:
    """manifests: name → utterances, the training one first. texts: name → normalised texts. recordings: by file;
    `reused` are those that were not read again."""

    manifests: Manifests
    texts: Mapping[str, Sequence[str]]
    recordings: Mapping[Path, Recording]
    reused: frozenset[Path] = frozenset()

    def __iter__(self) -> Iterator[Spoken]:
        """Every utterance, in the order of the manifests."""
        for name, utterances in self.manifests.items():
            for u, text in zip(utterances, self.texts[name], strict=True):
                recording = self.recordings[u.audio]
                yield Spoken(name, u, text, None if recording.error else recording.of(u))


def read_material(
    manifests: Manifests,
    normalize: Callable[[str], str],
    progress: Callable[[int, int], None] | None = None,
    kept: Kept[Recording] | None = None,
) -> Material:
    """Read every recording, and normalise every text. `progress` is told (files read, files in all).

    Nothing is raised but for `kept`, where its disk is full.
    """
    texts = {name: [normalize(u.text) for u in us] for name, us in manifests.items()}
    recordings = read_all((u for us in manifests.values() for u in us), progress, kept)
    return Material(manifests, texts, recordings, frozenset() if kept is None else frozenset(kept.reused))
