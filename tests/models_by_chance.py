"""Small language models, written down by chance."""

import gzip
import random
from pathlib import Path


def write_model(path: Path, words: list[str], seed: int) -> Path:
    """A trigram model over `words` with random probabilities; back-offs make no sense, and need not."""
    draw = random.Random(seed)
    grams: list[list[str]] = [["<unk>", "<s>", "</s>", *words], [], []]
    followed = [w for w in grams[0] if w != "</s>"]
    grams[1] = [f"{a} {b}" for a in followed for b in grams[0] if b != "<s>" and draw.random() < 0.6]
    grams[2] = [
        f"{g} {b}" for g in grams[1] if not g.endswith("</s>") for b in grams[0] if b != "<s>" and draw.random() < 0.4
    ]
    lines = ["\\data\\", *(f"ngram {k}={len(g)}" for k, g in enumerate(grams, 1)), ""]
    for k, of_order in enumerate(grams, 1):
        lines.append(f"\\{k}-grams:")
        for gram in of_order:
            back = "" if k == 3 else f"\t{-draw.random():.4f}"
            lines.append(f"{-2 * draw.random() - 0.01:.4f}\t{gram}{back}")
        lines.append("")
    path.write_bytes(gzip.compress("\n".join([*lines, "\\end\\", ""]).encode()))
    return path
