"""The verbs over what evaluations left behind: score and compare. Thin."""

from pathlib import Path
from typing import Annotated

import typer


def score(
    reference: Annotated[
        Path, typer.Argument(metavar="REF", help="id<TAB>text, .trn or .jsonl; or a results.jsonl, which has both")
    ],
    hypothesis: Annotated[Path | None, typer.Argument(metavar="HYP", help="the same ids, in any format")] = None,
) -> None:
    """Word, character and sentence error rates of texts that any recogniser wrote. Texts are compared as they are."""
    from asr.evaluation.scoring import score_files

    print(score_files(reference, hypothesis).render(), end="")


def compare(
    results: Annotated[list[Path], typer.Argument(help="folders of results or results.jsonl: A, B, …")],
    out: Annotated[Path | None, typer.Option("--out", help="an HTML page to write too")] = None,
) -> None:
    """Is B better than A on the same utterances? Paired bootstrap, matched-pair test, and what changed."""
    from asr.evaluation.comparison import compare_results, comparison_page, render_comparisons

    comparisons = compare_results(results)
    print(render_comparisons(comparisons), end="")
    if out is not None:
        from asr.files import write_text

        write_text(out, comparison_page(comparisons))
        print(f"written: {out}")
