"""The verbs of n-gram language models: build, info, score, prune. Thin; heavy packages are imported inside them."""

import math
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from asr.errors import ConfigError, LanguageModelError

if TYPE_CHECKING:
    from asr.lm.tables import Tables

lm = typer.Typer(no_args_is_help=True, help="Build, measure and prune n-gram language models (ARPA files).")

Model = Annotated[Path, typer.Argument(metavar="X", help="an ARPA file, .gz or not")]
Units = Annotated[str, typer.Option(help="words between white space, or chars: each character, | for the space")]
ArpaOut = Annotated[Path, typer.Option("--out", help="the ARPA file to write; gzipped if it ends in .gz")]
_LN10 = math.log(10.0)


@lm.command()
def build(
    texts: Annotated[list[str], typer.Argument(metavar="TEXT...", help="UTF-8 texts, .gz or not, a sentence a line")],
    order: Annotated[int, typer.Option(help="words in the longest n-grams")],
    out: ArpaOut,
    prune: Annotated[
        list[str] | None,
        typer.Option(help="'0 0 1': drop n-grams of order 1, 2, 3… counted no more often; the last value goes on"),
    ] = None,
    units: Units = "words",
    vocab: Annotated[Path | None, typer.Option(help="a file of the only words; all others are <unk>")] = None,
    memory: Annotated[float, typer.Option(help="MB for counting; beyond them files beside OUT are used")] = 1024.0,
    discount_fallback: Annotated[
        bool, typer.Option("--discount-fallback", help="discounts 0.5 1 1.5 where counts give none, as for characters")
    ] = False,
) -> None:
    """Estimate a model as KenLM's lmplz does: interpolated modified Kneser–Ney.

    Thresholds may be said as --prune "0 0 1", as --prune 0 --prune 0 --prune 1, or, last, as --prune 0 0 1.
    """
    _check_units(units)
    paths, thresholds = _texts_and_thresholds(texts, prune or [])
    if not memory > 0:
        raise ConfigError(f"--memory {memory:g}: is no room; expected MB above 0; say 1024")
    from asr.lm.estimate import Recipe, estimate
    from asr.lm.writing import write_arpa

    started = time.perf_counter()
    recipe = Recipe(order, thresholds, units, vocab, discount_fallback, round(memory * 2**20))
    out.parent.mkdir(parents=True, exist_ok=True)
    model = estimate(paths, recipe, out.parent)
    write_arpa(out, model)
    print(f"{out}: {_orders(model)}, in {time.perf_counter() - started:.1f} s")


@lm.command()
def info(model: Model) -> None:
    """Orders, numbers of n-grams and vocabulary of a model, read strictly."""
    from asr.lm.arpa import read_arpa
    from asr.lm.tables import BEGIN, END, UNKNOWN

    tables, _ = read_arpa(model)
    marks = [mark for mark in (UNKNOWN, BEGIN, END) if mark in tables.words]
    missing = [mark for mark in (UNKNOWN, BEGIN, END) if mark not in tables.words]
    print(f"{model}: order {len(tables.orders)}")
    for k, grams in enumerate(tables.orders, 1):
        print(f"  {k}-grams     {len(grams.words):>12,}")
    print(f"  vocabulary  {len(tables.words) - len(marks):>12,} words, {' '.join(marks) or 'no marks'} beside them")
    print(f"  has <unk>   {'yes' if UNKNOWN in marks else 'no: unknown words have probability 0':>12}")
    if missing:
        print(f"  lacks       {' '.join(missing):>12}")


@lm.command()
def score(
    model: Model,
    texts: Annotated[list[Path], typer.Argument(metavar="TEXT...", help="UTF-8 texts, .gz or not, a sentence a line")],
    units: Units = "words",
    per_line: Annotated[bool, typer.Option("--per-line", help="print each line's log10 probability too")] = False,
) -> None:
    """Perplexity of texts: tokens are words and a </s> a line; OOV are the words that the model does not know."""
    _check_units(units)
    from asr.lm.ngram import NGram
    from asr.lm.perplexity import score_lines, total

    ngram = NGram.read(model)
    for path in texts:
        lines = list(score_lines(ngram, path, units))
        if per_line:
            for line in lines:
                print(f"{float(line[:, 0].sum()) / _LN10:.6f}")
        found = total(lines)
        print(
            f"{path}: perplexity {found.perplexity():.4f}, without OOV {found.perplexity(known=True):.4f}; "
            f"{found.sentences} sentences, {found.tokens} tokens, {found.unknown} OOV; "
            f"log10 {found.log_prob / _LN10:.4f}"
        )


@lm.command()
def prune(
    model: Model,
    out: ArpaOut,
    threshold: Annotated[
        float, typer.Option(help="drop n-grams whose loss raises perplexity by less than this share; 1e-8 … 1e-6")
    ],
) -> None:
    """Make a model smaller by entropy pruning (Stolcke 1998); what is left is normalised."""
    from asr.lm.arpa import read_arpa
    from asr.lm.pruning import prune_entropy
    from asr.lm.writing import write_arpa

    tables, _ = read_arpa(model)
    smaller = prune_entropy(tables, threshold)
    write_arpa(out, smaller)
    print(f"{out}: {_orders(smaller)}; before, {_orders(tables)}")


def _orders(tables: "Tables") -> str:
    return ", ".join(f"{len(grams.words)} {k}-grams" for k, grams in enumerate(tables.orders, 1))


def _check_units(units: str) -> None:
    if units not in ("words", "chars"):
        raise ConfigError(f"--units {units}: is unknown; expected words or chars; choose one")


def _texts_and_thresholds(texts: list[str], prune: list[str]) -> tuple[list[Path], tuple[int, ...]]:
    """Texts and thresholds; `--prune 0 0 1` leaves its later numbers among the texts, where no such file is."""
    stray = [text for text in texts if prune and text.isdecimal() and not Path(text).exists()]
    paths = [Path(text) for text in texts if text not in stray]
    given = [value for values in prune for value in values.split()] + stray
    bad = next((value for value in given if not value.isdecimal()), None)
    if bad is not None:
        raise LanguageModelError(f"--prune {' '.join(given)}: {bad!r} is no count; expected numbers; say '0 0 1'")
    if not paths:
        raise LanguageModelError("TEXT: no text to estimate from; expected one or more; name them before --order")
    return paths, tuple(map(int, given)) or (0,)
