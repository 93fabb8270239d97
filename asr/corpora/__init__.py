"""Corpora, one file each, the same verbs: prepare(out, source, …) writes manifests and audio.

This page knows the corpora by name and imports one when it is asked for.
"""

import difflib
import importlib
import inspect
import math
from pathlib import Path
from typing import Any

from asr.errors import ManifestError

CORPORA = {
    name: f"asr.corpora.{name}" for name in ("espeak", "digits", "librispeech", "commonvoice", "folder", "manifest")
}


def prepare_corpus(name: str, out: Path, **options: Any) -> dict[str, Path]:
    """Prepare the corpus called `name` in the folder `out`; the path of each split's manifest.

    `options` go to the corpus's own `prepare`. Raises ManifestError for a name or an option it does not know,
    an option out of range, a source that is needed and not given, and what the corpus itself finds wrong.
    """
    if name not in CORPORA:
        near = difflib.get_close_matches(name, CORPORA, 1)
        remedy = f"did you mean {near[0]!r}?" if near else "name one of them"
        raise ManifestError(f"prepare: no corpus {name!r}; expected {', '.join(CORPORA)}; {remedy}")
    prepare = importlib.import_module(CORPORA[name]).prepare
    parameters = inspect.signature(prepare).parameters
    known = list(parameters)[1:]
    for option in options:
        if option not in known:
            flags = ", ".join("--" + other.replace("_", "-") for other in known if other != "progress")
            raise ManifestError(
                f"prepare {name}: no option --{option.replace('_', '-')}; expected {flags}; leave it out"
            )
    if parameters["source"].default is inspect.Parameter.empty and options.get("source") is None:
        raise ManifestError(f"prepare {name}: no source; expected recordings you have already; pass --source PATH")
    for option in ("voices", "hours", "sample_rate"):
        if not 0 < options.get(option, 1) < math.inf:  # nan is neither
            flag = option.replace("_", "-")
            raise ManifestError(f"prepare {name}: --{flag} is {options[option]}; expected more than 0; change it")
    if options.get("seed", 0) < 0:
        raise ManifestError(f"prepare {name}: --seed is {options['seed']}; expected 0 or more; choose another")
    prepared: dict[str, Path] = prepare(Path(out), **options)
    return prepared
