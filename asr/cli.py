"""The verbs. Thin: read arguments, call the rooms, print. The only place that prints.

Heavy packages are imported inside the verbs, so that `asr --help` answers at once.
"""

import errno
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any, Optional

import typer

from asr.errors import AsrError, ConfigError

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, help="Train speech recognisers with CTC, and use them.")

Overrides = Annotated[Optional[list[str]], typer.Argument(metavar="[key.sub=value]...", help="options to change")]


def main() -> None:
    """The installed entry point: an AsrError is one line and exit code 2; anything else keeps its traceback."""
    try:
        app()
    except AsrError as error:
        _fail(str(error))
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES):
            raise
        _fail(f"{error.filename or 'disk'}: {error.strerror}; expected room and permission to write; free some space or choose another folder")


def _fail(message: str) -> None:
    print(f"error: {message}", file=sys.stderr)
    raise SystemExit(2)


def say(line: str) -> None:
    """Print a line, above the progress bar where there is one."""
    from tqdm import tqdm

    tqdm.write(line)
    sys.stdout.flush()


def progress(items: Iterable, what: str, total: int | None = None) -> Iterator:
    """`items`, with a progress bar on the terminal."""
    from tqdm import tqdm

    return iter(tqdm(items, desc=what, total=total, leave=False, mininterval=0.5, dynamic_ncols=True))


# ── train ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@app.command()
def train(
    config: Path,
    overrides: Overrides = None,
    resume: Annotated[bool, typer.Option("--resume", help="continue the run exactly where it was saved")] = False,
    print_config: Annotated[bool, typer.Option("--print-config", help="print the resolved configuration and stop")] = False,
) -> None:
    """Train what CONFIG describes → runs/NAME/{model.pt, log.jsonl, checkpoints/, events/, config.yaml}."""
    from asr.config import dump_config, read_config

    resolved = read_config(config, overrides or [])
    if print_config:
        print(dump_config(resolved), end="")
        return
    from asr.runs import run_training

    finished = run_training(resolved, Path("runs") / resolved.name, resume, say)
    if not finished:
        say(f"stopped and saved; go on with: asr train {config} {' '.join(overrides or [])} --resume".replace("  ", " "))
