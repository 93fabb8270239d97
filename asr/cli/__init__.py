"""The verbs. Thin: read arguments, call the rooms, print. The only place that prints.

Heavy packages are imported inside the verbs, so that `asr --help` answers at once.
"""

import errno
import os
import shlex
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from asr.cli import finding
from asr.cli import text as _text
from asr.cli.check import check
from asr.cli.lm import lm
from asr.cli.parts import recogniser_of
from asr.cli.score import compare, score
from asr.cli.terminal import bar, progress, say
from asr.cli.transcribe import transcribe
from asr.cli.tune import DecodingFile, tune
from asr.errors import AsrError, ConfigError

if TYPE_CHECKING:
    from asr.build import System

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)

app.add_typer(lm, name="lm")

Overrides = Annotated[list[str] | None, typer.Argument(metavar="[key.sub=value]...", help="options to change")]
Out = Annotated[Path | None, typer.Option("--out", help="folder to write into")]
_OF_THE_DISK = (  # errors that a user can cause and mend; others are ours and keep their traceback
    errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EEXIST, errno.ENOTDIR, errno.EISDIR,
    errno.ENAMETOOLONG,
)  # fmt: skip


def main() -> None:
    """The installed entry point: an AsrError is one line and exit code 2; anything else keeps its traceback."""
    try:
        app()
    except AsrError as error:
        _fail(str(error))
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # whoever read our output has enough
    except OSError as error:
        if error.errno not in _OF_THE_DISK:
            raise
        where = error.filename or "disk"
        _fail(f"{where}: {error.strerror}; expected room and permission to write; free space or choose another folder")


def _fail(message: str) -> None:
    print(f"error: {message}", file=sys.stderr)
    raise SystemExit(2)


@app.callback()
def verbs() -> None:
    """Train speech recognisers with CTC, and use them."""


# ── train ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@app.command()
def train(
    config: Path,
    overrides: Overrides = None,
    resume: Annotated[bool, typer.Option("--resume", help="continue the run exactly where it was saved")] = False,
    print_config: Annotated[
        bool, typer.Option("--print-config", help="print the resolved configuration and stop")
    ] = False,
    find_lr: Annotated[
        bool, typer.Option("--find-lr", help="try rising learning rates, suggest training.lr, and stop")
    ] = False,
    find_batch: Annotated[
        bool, typer.Option("--find-batch", help="try ever larger batches, suggest data.batch_seconds, and stop")
    ] = False,
) -> None:
    """Train what CONFIG describes → runs/NAME/{model.pt, train.html, log.jsonl, checkpoints/, events/, config.yaml}."""
    from asr.config import dump_config, read_config

    resolved = read_config(config, overrides or [])
    if print_config:
        print(dump_config(resolved), end="")
        return
    from asr.world import current_world

    run, world = Path("runs") / resolved.name, current_world(resolved.device)
    if find_lr:
        finding.find_rate(resolved, run)
    if find_batch:
        finding.find_batch(resolved)
    if find_lr or find_batch:
        if world.size > 1:
            from asr.training import ranks

            ranks.leave(world)
            end_process()
        return
    from asr.runs import run_training

    with bar("training") as advance:
        finished = run_training(resolved, run, resume, say, advance)
    if world.is_main and finished:
        from asr.evaluation.curves import draw_curves

        draw_curves(run / "log.jsonl", run / "training.png")
        say(f"finished: {run / 'model.pt'}, report in {run / 'train.html'}, curves in {run / 'training.png'}")
    elif world.is_main:
        again = shlex.join([str(config), *(overrides or []), "--resume"])
        say(f"stopped and saved; go on with: asr train {again}")
    if world.size > 1:
        end_process()


def end_process() -> None:
    """End here and now, all being written: threads of torch's distributed backends that outlive the interpreter abort
    the process now and then, and torchrun then calls a run that succeeded a failure."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


# ── prepare ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@app.command()
def prepare(
    corpus: Annotated[str, typer.Argument(help="espeak, digits, librispeech, commonvoice, folder or manifest")],
    out: Annotated[Path, typer.Option("--out", help="folder for {train,dev,test}.jsonl and audio")],
    source: Annotated[Path | None, typer.Option(help="what you have already: a folder or file")] = None,
    seed: Annotated[int, typer.Option(help="of everything drawn")] = 0,
    text: Annotated[str | None, typer.Option(help="espeak: `commands` or a file of sentences")] = None,
    voices: Annotated[int | None, typer.Option(help="espeak: voices to train on")] = None,
    hours: Annotated[float | None, typer.Option(help="espeak: hours of training speech")] = None,
    test_speaker: Annotated[str | None, typer.Option(help="digits: the speaker training never hears")] = None,
    sample_rate: Annotated[int | None, typer.Option(help="espeak, digits: Hz")] = None,
    subset: Annotated[
        list[str] | None, typer.Option(help="librispeech: an archive to train on; repeat for more")
    ] = None,
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="leave out unreadable recordings")] = False,
) -> None:
    """Turn a corpus into manifests and audio. Running it again changes nothing."""
    from asr.corpora import prepare_corpus

    given = {
        "source": source, "text": text, "voices": voices, "hours": hours, "test_speaker": test_speaker,
        "sample_rate": sample_rate, "subset": subset, "skip_bad": skip_bad or None,
    }  # fmt: skip
    asked = {name: value for name, value in given.items() if value is not None and value != []}
    manifests = prepare_corpus(corpus, out, seed=seed, progress=progress, **asked)
    for split, path in manifests.items():
        from asr.data.manifest import read_manifest

        utterances = read_manifest(path)
        hours_of = sum(u.duration for u in utterances) / 3600
        speakers = len({u.speaker for u in utterances if u.speaker})
        print(f"{path}: {split}, {len(utterances)} utterances, {hours_of:.2f} h, {speakers or 'unknown'} speakers")


# ── evaluate ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@app.command()
def evaluate(
    run: Annotated[Path, typer.Argument(help="a run folder or a model.pt")],
    manifest: Annotated[Path, typer.Argument(help="a .jsonl, or a folder of them with --split")],
    more: Annotated[
        list[str] | None,
        typer.Argument(metavar="[MANIFEST | key.sub=value]...", help="more manifests; options to change"),
    ] = None,
    split: Annotated[
        str | None, typer.Option(help="test takes MANIFEST/test.jsonl, or the lines whose split is test")
    ] = None,
    out: Out = None,
    decoding: DecodingFile = None,
) -> None:
    """Error rates → RUN/results/<manifest's stem>/{report.html, report.txt, results.jsonl, summary.json}.

    Of several manifests each has its folder of results, and one table of all is printed.
    """
    from asr.build import load_system
    from asr.evaluating import evaluate_manifest
    from asr.world import current_world

    given = [argument for argument in more or [] if "=" in argument]
    others = [Path(argument) for argument in more or [] if "=" not in argument]
    system = load_system(run, current_world().device, given, decoding)
    if others:
        _evaluate_several(system, run, [manifest, *others], split, out)
        return
    with bar("evaluating") as advance:
        folder = evaluate_manifest(system, recogniser_of(system), run, manifest, split, out, advance)
    print((folder / "report.txt").read_text(encoding="utf-8"), end="")
    print(f"written: {folder}/report.html, report.txt, summary.json, results.jsonl")


def _evaluate_several(system: "System", run: Path, manifests: list[Path], split: str | None, out: Path | None) -> None:
    from asr.evaluating import evaluate_manifest, utterances_of
    from asr.evaluation.several import folder_names, render_table

    for manifest in manifests:  # before the first is evaluated: a mistake in the last should not cost that time
        utterances_of(manifest, split)
    results, recogniser = out or (run if run.is_dir() else run.parent) / "results", recogniser_of(system)
    folders = []
    for name, manifest in zip(folder_names(manifests, split), manifests, strict=True):
        with bar(f"evaluating {name}") as advance:
            folders.append(evaluate_manifest(system, recogniser, run, manifest, split, results / name, advance))
    print(render_table(folders), end="")
    print(f"written: {results}/{{{','.join(folder.name for folder in folders)}}}/report.html, …")


app.command()(check)
app.command()(tune)
app.command()(score)
app.command()(compare)
app.command()(transcribe)


# ── align ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@app.command()
def align(
    run: Annotated[Path, typer.Argument(help="a run folder or a model.pt")],
    manifest: Annotated[Path, typer.Argument(help="a .jsonl of recordings and their transcripts")],
    format: Annotated[
        str, typer.Option(help="ctm: words; json: words and tokens; textgrid: both, a file an utterance")
    ] = "ctm",
    out: Annotated[Path | None, typer.Option("--out", help="folder or file to write; else RUN/alignments")] = None,
    worst: Annotated[int, typer.Option(help="how many of the transcripts that fit worst to print")] = 10,
) -> None:
    """Find when each word of the transcripts was said, and which transcripts may be wrong."""
    from asr.inference.writers import ALIGNMENTS

    if format not in ALIGNMENTS:
        raise ConfigError(f"--format {format}: is unknown; expected one of {', '.join(ALIGNMENTS)}; choose one")
    from asr.build import load_system
    from asr.inference.alignments import align_manifest
    from asr.world import current_world

    system = load_system(run, current_world().device)
    with bar("aligning") as advance:
        report = align_manifest(recogniser_of(system), system.normalizer, run, manifest, format, out, advance)
    print(report.render(worst), end="")
    for error in report.failed:
        print(f"error: {error}", file=sys.stderr)
    if report.failed:
        raise SystemExit(2)


app.add_typer(_text.tokenizer, name="tokenizer")
app.command()(_text.lexicon)


@app.command()
def warmup() -> None:
    """Compile the kernels now, once a machine, rather than where they are first needed."""
    started = time.perf_counter()
    from asr.ctc.warmup import warm_up
    from asr.decoding.warmup import warm_up as warm_up_search
    from asr.evaluation.warmup import warm_up as warm_up_errors

    folder = warm_up()
    warm_up_search()
    warm_up_errors()
    print(f"kernels ready in {time.perf_counter() - started:.1f} s, kept in {folder}")


def show(run: Path, manifest: Path, count: int) -> None:
    """Print the transcripts of `count` recordings spread over a manifest, each below its reference."""
    from asr.build import load_system
    from asr.data.manifest import read_manifest
    from asr.inference.recogniser import hypotheses
    from asr.world import current_world

    utterances = read_manifest(manifest)
    chosen = utterances[:: max(1, len(utterances) // count)][:count]
    for utterance, transcript in hypotheses(recogniser_of(load_system(run, current_world().device)), chosen):
        print(f"{utterance.audio}\n  said   {utterance.text}\n  heard  {transcript.text}")
