"""Mozilla Common Voice: a locale's folder with train.tsv, dev.tsv, test.tsv and clips/. There is no open download."""

from pathlib import Path

from asr.corpora.folder import read_text
from asr.corpora.listing import Listed, prepare_listed
from asr.corpora.prepared import SPLITS, Progress, existing_folder, quiet
from asr.errors import ManifestError

_COLUMNS = ("client_id", "path", "sentence")


def prepare(
    out: Path,
    *,
    source: Path,
    seed: int = 0,
    skip_bad: bool = False,
    progress: Progress = quiet,
) -> dict[str, Path]:
    """List the clips of train.tsv, dev.tsv and test.tsv in manifests in `out`; the recordings stay where they are.

    A locale without a dev.tsv gets its dev utterances from train. Raises ManifestError: a missing table or column,
    clips that cannot be read.
    """
    existing_folder(source, "a locale's folder with train.tsv, dev.tsv, test.tsv and clips/")
    tables = {split: source / f"{split}.tsv" for split in SPLITS}
    if not tables["train"].is_file():
        raise ManifestError(
            f"{source}: no train.tsv; expected the folder of one locale, such as cv-corpus/de; mend --source"
        )
    listed = [item for split, table in tables.items() if table.is_file() for item in _rows(table, source, split)]
    return prepare_listed(out, "commonvoice", source, listed, seed=seed, skip_bad=skip_bad, progress=progress)


def _rows(table: Path, source: Path, split: str) -> list[Listed]:
    """The clips of one table. Common Voice does not quote its cells, so a quotation mark is just that."""
    header, *lines = read_text(table, keep_lines=True).split("\n")
    names = header.rstrip("\r").split("\t")
    missing = [name for name in _COLUMNS if name not in names]
    if missing:
        raise ManifestError(
            f"{table}: no column {missing[0]!r} among {', '.join(names)}; expected {', '.join(_COLUMNS)}; "
            "take the table as it was published"
        )
    client, path, sentence = (names.index(name) for name in _COLUMNS)
    listed = []
    for number, line in enumerate(lines, 2):
        if not line.strip():
            continue
        cells = line.rstrip("\r").split("\t")
        if len(cells) < len(names):
            raise ManifestError(f"{table}:{number}: {len(cells)} cells; expected {len(names)}; mend or drop the line")
        clip = source / "clips" / cells[path]
        name = Path(cells[path]).stem
        listed.append(Listed(name, clip, cells[sentence], speaker=cells[client], split=split))
    return listed
