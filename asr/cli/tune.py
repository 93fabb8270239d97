"""The tune verb: how a trained model decodes best, found on recordings that training did not hear."""

from pathlib import Path
from typing import Annotated

import typer

from asr.cli.parts import recogniser_of
from asr.cli.terminal import bar, say
from asr.errors import ConfigError

DecodingFile = Annotated[
    Path | None, typer.Option("--decoding", help="a file of decoding options, such as `asr tune` writes")
]


def tune(
    run: Annotated[Path, typer.Argument(help="a run folder or a model.pt")],
    manifest: Annotated[Path, typer.Argument(help="a .jsonl, or a folder of them with --split")],
    overrides: Annotated[
        list[str] | None,
        typer.Argument(metavar="[key.sub=value]...", help="decoding.lm=FILE and other options to decode with"),
    ] = None,
    split: Annotated[
        str | None, typer.Option(help="dev takes MANIFEST/dev.jsonl, or the lines whose split is dev")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="the file to write; else RUN/decoding.yaml")] = None,
    decoding: DecodingFile = None,
    trials: Annotated[int, typer.Option(min=1, help="how many weights to try at most")] = 150,
    seed: Annotated[int, typer.Option(min=0, help="of the weights that are drawn")] = 0,
    only: Annotated[
        str | None, typer.Option(help="confidence: leave the weights as they are, calibrate only that")
    ] = None,
) -> None:
    """Find the weights of language model, words and tokens → RUN/{decoding.yaml, tuning.json, tuning.png}.

    The acoustic model hears MANIFEST once. Confidence is calibrated too; without language model and lexicon only that.
    """
    if only not in (None, "confidence"):
        raise ConfigError(f"--only {only}: is unknown; expected confidence; say that, or drop it")
    if out is not None and out.suffix not in (".yaml", ".yml"):
        raise ConfigError(f"--out {out}: is no YAML file; expected a name that ends in .yaml; say {out}.yaml")
    from asr.build import load_system
    from asr.tuning.tune import tune as search
    from asr.world import current_world

    given = overrides or []
    system = load_system(run, current_world().device, given, decoding)
    with bar("hearing") as hearing, bar("tuning") as searching:
        outcome = search(
            system, recogniser_of(system), run, manifest, split, trials=trials, seed=seed,
            only_confidence=only is not None, overrides=given, say=say, hearing=hearing, searching=searching,
        )  # fmt: skip
    print("\n".join(outcome.lines()))
    print(f"written: {', '.join(str(path) for path in outcome.write(out))}")
