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
