"""How long the intervals and the page of an evaluation take: 2,620 utterances, as LibriSpeech's test-clean has.

    python scripts/bench_report.py [--utterances 2620]
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np

from asr.evaluation.html_report import write_page
from asr.evaluation.results import Result, write_results
from asr.evaluation.significance import interval

WORDS = ["turn", "the", "light", "on", "in", "the", "kitchen", "and", "set", "an", "alarm", "for", "seven", "please"]


def results(count: int) -> list[Result]:
    """Sentences of twenty words with an error in every thirty."""
    draw = np.random.default_rng(0)
    found = []
    for i in range(count):
        said = draw.choice(WORDS, size=20).tolist()
        heard = [word if draw.random() > 1 / 30 else "noise" for word in said]
        found.append(
            Result.of(
                id=f"u{i}", audio="x.flac", reference=" ".join(said), hypothesis=" ".join(heard), duration=8.0,
                speaker=f"s{i % 40}",
            )
        )  # fmt: skip
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--utterances", type=int, default=2620)
    count = parser.parse_args().utterances
    made = results(count)
    errors, words = [r.words.errors for r in made], [20] * count
    interval(errors[:9], words[:9])  # compiles
    started = time.perf_counter()
    interval(errors, words)
    print(f"interval of 10,000 resamples over {count} utterances: {time.perf_counter() - started:.2f} s")
    with tempfile.TemporaryDirectory() as folder:
        write_results(Path(folder), made, seconds=100.0, normalisation="lower case", decoder="none")
        started = time.perf_counter()
        size = write_page(Path(folder)).stat().st_size
        print(f"report.html: {time.perf_counter() - started:.2f} s, {size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
