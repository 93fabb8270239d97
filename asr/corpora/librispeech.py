"""LibriSpeech: read English audiobooks at 16 kHz (Panayotov et al. 2015, openslr.org/12, CC BY 4.0).

A tree SUBSET/SPEAKER/CHAPTER/SPEAKER-CHAPTER-NUMBER.flac with one SPEAKER-CHAPTER.trans.txt a chapter.
"""

from collections.abc import Sequence
from pathlib import Path

from asr.corpora.download import extract, fetch
from asr.corpora.folder import read_text
from asr.corpora.listing import Listed, prepare_listed
from asr.corpora.prepared import Progress, existing_folder, quiet
from asr.errors import ManifestError
from asr.world import cache_folder

URL = "https://www.openslr.org/resources/12"
MD5 = {
    "dev-clean": "42e2234ba48799c1f50f24a7926300a1",
    "dev-other": "c8d0bcc9cca99d4f8b62fcc847357931",
    "test-clean": "32fa31d27d2e1cad72775fee3f4849a9",
    "test-other": "fb5a50374b501bb3bac4815ee91d3135",
    "train-clean-100": "2a93770f6d5c6c964bc36631d331a522",
    "train-clean-360": "c0e676e450a7ff2f54aeade5171606fa",
    "train-other-500": "d1a0fd59409feb2c614ce4d30c387708",
}


def prepare(
    out: Path,
    *,
    source: Path | None = None,
    seed: int = 0,
    subset: Sequence[str] = ("train-clean-100",),
    dev: Sequence[str] = ("dev-clean",),
    test: Sequence[str] = ("test-clean",),
    skip_bad: bool = False,
    progress: Progress = quiet,
) -> dict[str, Path]:
    """List the archives of each split in manifests; without `source` they are downloaded. `subset` is to train on.

    `source` is the LibriSpeech folder or the one around it. Raises ManifestError: a subset or recording missing,
    a transcript line without text.
    """
    subsets = {"train": tuple(subset), "dev": tuple(dev), "test": tuple(test)}
    if source is None:
        source = cache_folder() / "librispeech"
        for names in subsets.values():
            download(source, names, progress)
    root = _root(existing_folder(source, "the LibriSpeech folder"), subsets)
    listed = [item for split, names in subsets.items() for name in names for item in _subset(root / name, split)]
    return prepare_listed(out, "librispeech", source, listed, seed=seed, skip_bad=skip_bad, progress=progress)


def download(root: Path, subsets: Sequence[str] = tuple(MD5), progress: Progress = quiet, url: str = URL) -> Path:
    """Fetch and unpack the official archives of `subsets` into `root`/LibriSpeech; the folder `root`.

    Raises ManifestError: a subset that does not exist, and what fetch and extract find wrong.
    """
    for name in subsets:
        if name not in MD5:
            raise ManifestError(f"prepare librispeech: no subset {name!r}; expected {', '.join(MD5)}; name one of them")
        final = root / "LibriSpeech" / name
        if not final.is_dir():
            archive = fetch(f"{url}/{name}.tar.gz", root / f"{name}.tar.gz", f"md5:{MD5[name]}", progress)
            unpacked = extract(archive, root / f"{name}.unpacked")
            final.parent.mkdir(parents=True, exist_ok=True)
            (unpacked / "LibriSpeech" / name).rename(final)
    return root


def _root(source: Path, subsets: dict[str, tuple[str, ...]]) -> Path:
    """The folder with the subsets in it."""
    root = source / "LibriSpeech" if (source / "LibriSpeech").is_dir() else source
    for name in (name for names in subsets.values() for name in names):
        if not (root / name).is_dir():
            there = sorted(path.name for path in root.iterdir() if path.is_dir())
            raise ManifestError(
                f"{source}: no subset {name!r} among {', '.join(there) or 'nothing'}; expected a folder of that "
                "name; mend --source or name other subsets"
            )
    return root


def _subset(folder: Path, split: str) -> list[Listed]:
    """The utterances of every chapter in `folder`."""
    listed = []
    for transcripts in sorted(folder.rglob("*.trans.txt")):
        for number, line in enumerate(read_text(transcripts, keep_lines=True).splitlines(), 1):
            name, _, text = line.partition(" ")
            if not name:
                continue
            if not text.strip():
                raise ManifestError(f"{transcripts}:{number}: no text after {name}; expected the words; add them")
            audio = transcripts.with_name(f"{name}.flac")
            listed.append(Listed(name, audio, text.strip(), speaker=name.split("-")[0], split=split))
    if not listed:
        raise ManifestError(f"{folder}: no *.trans.txt; expected chapters with transcripts; unpack it again")
    return listed
