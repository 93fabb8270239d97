"""The check verb: findings on the terminal, and as a page. Thin."""

import re
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from asr.cli.parts import recogniser_of
from asr.cli.terminal import bar
from asr.errors import ConfigError

if TYPE_CHECKING:
    from asr.build import System
    from asr.checking import Checked
    from asr.doctor.doubts import Doubts


def check(
    manifests: Annotated[
        list[str],
        typer.Argument(
            metavar="MANIFEST... [key.sub=value]...",
            help="train.jsonl, dev.jsonl, …; the first builds the alphabet; options to change",
        ),
    ],
    config: Annotated[Path | None, typer.Option(help="the training configuration the manifests are for")] = None,
    report: Annotated[
        Path | None, typer.Option(help="an HTML page to write; what is measured is kept beside it")
    ] = None,
    model: Annotated[
        Path | None, typer.Option(help="a run folder or model.pt: which transcripts does it disagree with?")
    ] = None,
) -> None:
    """Read everything before training does, and say what is wrong with it. Exit 0, or 2 when training would fail."""
    from asr.checking import check_manifests
    from asr.doctor.keeping import kept_recordings

    paths = _paths(manifests, report)
    system = _system(model) if model is not None else None  # what is wrong with it is said before the long reading
    with ExitStack() as open_until_done:
        kept = open_until_done.enter_context(kept_recordings(report)) if report is not None else None
        started = time.perf_counter()
        with bar("reading") as advance:
            checked = check_manifests(paths, config, advance, [given for given in manifests if _changes(given)], kept)
    seconds = time.perf_counter() - started
    doubts = _doubts(checked, system, model, report) if model is not None and system is not None else None
    if doubts is not None:
        checked = checked.with_warnings(doubts.findings())
    if report is not None:
        from asr.doctor.page import page_of
        from asr.evaluation.data_report import write_data_page

        page = page_of(checked, doubts, seconds)
        write_data_page(page, report)
    print(checked.report.render(), end="")
    if report is not None:
        print(f"read {page.facts['read']}\nwritten: {report}")
    if not checked.report.ok:
        raise SystemExit(2)


def _paths(given: list[str], report: Path | None) -> list[Path]:
    named = [Path(argument) for argument in given if not _changes(argument)]
    paths = [path for argument in named for path in (_within(argument) if argument.is_dir() else [argument])]
    if not paths:
        raise ConfigError("MANIFEST: none is named; expected train.jsonl and others to compare it with; name one")
    if report is not None and (report.is_dir() or report.suffix.lower() not in (".html", ".htm")):
        what = "is a folder" if report.is_dir() else "is no .html"
        raise ConfigError(f"--report {report}: {what}; expected the page to write; name one, such as data.html")
    return paths


def _within(folder: Path) -> list[Path]:
    """The manifests of a prepared corpus, the training one first."""
    found = [folder / f"{split}.jsonl" for split in ("train", "dev", "test")]
    return [path for path in found if path.exists()] or [folder]


def _changes(argument: str) -> bool:
    """Whether an argument is an option to change, key.sub=value, not a path with an equals sign."""
    return re.match(r"[a-z_]+(\.[a-z_]+)*=", argument) is not None and not Path(argument).exists()


def _system(model: Path) -> "System":
    from asr.build import load_system
    from asr.world import current_world

    return load_system(model, current_world().device)


def _doubts(checked: "Checked", system: "System", model: Path, report: Path | None) -> "Doubts":
    from asr.doctor.doubts import digest_of, doubts_of
    from asr.doctor.keeping import kept_fits

    recogniser, digest = recogniser_of(system), digest_of(model)
    with ExitStack() as open_until_done, bar("aligning") as advance:
        kept = open_until_done.enter_context(kept_fits(report)) if report is not None else None
        return doubts_of(recogniser, system.normalizer, digest, checked.material.manifests, kept, advance)
