"""A manifest aligned: its words and tokens in files, and the transcripts that do not fit their recordings.

Knows which gap is too large and where files go; how a format looks is writers.py.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from asr.data.manifest import read_manifest
from asr.errors import AsrError
from asr.files import whole, write_text
from asr.inference.aligner import Aligned, aligned
from asr.inference.recogniser import Recogniser
from asr.inference.writers import aligned_lines, suffix, write_aligned

# Nats a token. On 100 recordings of digits by known voices (7 % of them misheard) 2 % of the right transcripts lie
# above 0.5, with one word exchanged 97 %, with a word missing or too many, or of another recording, all.
_FLOOR = 0.5
_OUTLIER = 3.5  # standard deviations; what Iglewicz & Hoaglin 1993 advise for the median's own scale
_SIGMA = 1.4826  # a normal distribution's standard deviation over its median absolute deviation


@dataclass(frozen=True, slots=True)
class Fit:
    """How well one transcript fits: the gap (nats a token), the transcript, and what the model hears instead."""

    id: str
    gap: float
    said: str
    heard: str


def threshold(gaps: Sequence[float]) -> float:
    """The gap above which a transcript is a candidate for a wrong one: an outlier of its corpus, and at least 0.5 nats.

    median + 3.5 · 1.4826 · MAD: what the model does not know of the corpus, an accent or noise, widens every gap and
    accuses nobody, as long as most transcripts are right. A model that knows nearly all has a MAD of 0, so that the
    least doubt would be an outlier: hence the floor.
    """
    if not gaps:
        return _FLOOR
    middle = median(gaps)
    return max(_FLOOR, middle + _OUTLIER * _SIGMA * median(abs(gap - middle) for gap in gaps))


def suspects(fits: Iterable[Fit], limit: float) -> list[Fit]:
    """Those whose gap exceeds `limit`, the largest gap first."""
    return sorted((fit for fit in fits if fit.gap > limit), key=lambda fit: -fit.gap)


@dataclass(frozen=True, slots=True)
class Report:
    """What aligning a manifest found: where it is written, how every transcript fits, and what could not be aligned."""

    written: Path
    listed: Path
    fits: list[Fit] = field(default_factory=list)
    failed: list[AsrError] = field(default_factory=list)

    def render(self, worst: int) -> str:
        """The report for the terminal, with the `worst` suspects said and heard."""
        gaps = [fit.gap for fit in self.fits]
        limit = threshold(gaps)
        found = suspects(self.fits, limit)
        rule = f"gap above {limit:.2f} nats a token; the median is {median(gaps or [0.0]):.2f}"
        lines = [f"{len(found)} of {len(gaps)} transcripts may be wrong ({rule})"]
        lines += [f"{f.gap:8.2f}  {f.id}\n    said   {f.said}\n    heard  {f.heard}" for f in found[: max(0, worst)]]
        return "\n".join([*lines, f"written: {self.written}, {self.listed}"]) + "\n"


def align_manifest(
    recogniser: Recogniser,
    normalize: Callable[[str], str],
    run: Path,
    manifest: Path,
    format: str = "ctm",
    out: Path | None = None,
    advance: Callable[[float], None] = lambda share: None,
) -> Report:
    """Align every utterance of `manifest` and write it in `format`; beside it `….suspects.tsv`, the worst fit first.

    `out` is a file for ctm and json where it has a suffix, else a folder; without it RUN/alignments. Raises
    ManifestError for the manifest; what is wrong with single utterances is in the report.
    """
    utterances = read_manifest(manifest)
    written, listed = _places(run, manifest, format, out)
    report = Report(written, listed)

    def done() -> None:
        advance((len(report.fits) + len(report.failed)) / len(utterances))

    def fail(error: AsrError) -> None:
        report.failed.append(error)
        done()

    with _opened(written, format) as write:
        for found in aligned(recogniser, normalize, utterances, fail):
            write(found)
            report.fits.append(Fit(found.id, found.gap, found.text, found.heard))
            done()
    _write_suspects(listed, report.fits)
    return report


@contextmanager
def _opened(place: Path, format: str) -> Iterator[Callable[[Aligned], object]]:
    """A function that writes an alignment: into the file `place`, which is there when all are, or a file in it."""
    if not suffix(format):
        yield lambda found: write_aligned(place, found, format)
        return
    with whole(place) as scratch, scratch.open("w", encoding="utf-8") as rows:
        yield lambda found: rows.write(aligned_lines(found, format))


def _places(run: Path, manifest: Path, format: str, out: Path | None) -> tuple[Path, Path]:
    """The file or folder of the alignments, and the list of suspects."""
    corpus = suffix(format)
    if out is not None and corpus and out.suffix and not out.is_dir():
        return out, out.with_name(f"{out.stem}.suspects.tsv")
    folder = out or (run if run.is_dir() else run.parent) / "alignments"
    listed = folder / f"{manifest.stem}.suspects.tsv"
    if corpus:
        return folder / (manifest.stem + corpus), listed
    return (folder if out else folder / manifest.stem), listed


def _write_suspects(path: Path, fits: Sequence[Fit]) -> None:
    rows = [("gap", "id", "said", "heard")]
    rows += [(f"{f.gap:.4f}", f.id, f.said, f.heard) for f in suspects(fits, threshold([f.gap for f in fits]))]
    write_text(path, "".join("\t".join(" ".join(cell.split()) for cell in row) + "\n" for row in rows))
