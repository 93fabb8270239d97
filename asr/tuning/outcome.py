"""What tuning found, in words for people and as files for the next run: decoding.yaml, tuning.json, tuning.png."""

import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from asr.config import dump_decoding
from asr.decoding.options import DecodingOptions
from asr.decoding.tuning import Axis, Score, Trial, edges
from asr.evaluation.pictures import draw_grid
from asr.files import write_text

_FEW = 500  # words; the 95 % interval of a WER of 10 % is then ± 3 points
_ALWAYS = ("kind", "alpha", "beta", "insertion", "confidence_slope", "confidence_offset")


@dataclass(frozen=True)
class Calibration:
    """Slope and offset of confidence, with log loss [nats a word] and ECE of `words` words before and after."""

    slope: float
    offset: float
    words: int
    log_loss: tuple[float, float]
    ece: tuple[float, float]


@dataclass(frozen=True)
class Outcome:
    """Errors (words, characters) over `words` and `characters`: of greedy, of the options as they were, of the best."""

    run: Path
    manifest: Path
    options: DecodingOptions  # as found
    words: int
    characters: int
    greedy: Score
    before: Score
    after: Score
    axes: list[Axis]
    trials: list[Trial]  # none where only confidence was looked at
    best: Trial | None
    calibration: Calibration
    seconds: dict[str, float]
    kept: bool  # whether the emissions were kept from before
    said: tuple[str, ...]  # names of options that somebody gave

    def lines(self) -> list[str]:
        """What the terminal says."""
        heard = "kept from before" if self.kept else f"heard in {self.seconds['emissions']:.1f} s"
        lines = [f"emissions  {heard}", f"greedy     {self._rates(self.greedy)}"]
        if self.best is not None:
            pace = len(self.trials) / max(1e-9, self.seconds["search"])
            weights = ", ".join(f"{axis.name} {v:g}" for axis, v in zip(self.axes, self.best.point, strict=True))
            lines += [
                f"untuned    {self._rates(self.before)}",
                f"tuned      {self._rates(self.after)}   {weights}",
                f"trials     {len(self.trials)} in {self.seconds['search']:.1f} s, {pace:.0f} a second",
            ]
        c = self.calibration
        lines.append(
            f"confidence slope {c.slope:.3f}, offset {c.offset:.3f}: "
            f"ECE {100 * c.ece[0]:.2f} → {100 * c.ece[1]:.2f} %, "
            f"log loss {c.log_loss[0]:.4f} → {c.log_loss[1]:.4f} nats a word"
        )
        return lines + [f"warning: {warning}" for warning in self.warnings()]

    def warnings(self) -> list[str]:
        """What to know before believing it."""
        found = []
        if self.best is not None and (at := edges(self.axes, self.best.point)):
            found.append(f"the best {' and '.join(at)} lies at the edge of what was tried; a better one may lie beyond")
        if self.words < _FEW:
            found.append(
                f"{self.words} words are few to tune on: these figures are measured where they were tuned, so they are "
                "optimistic; evaluate on other recordings"
            )
        return found

    def _rates(self, score: Score) -> str:
        wer, cer = self._fractions(score)
        return f"WER {100 * wer:.2f} %  CER {100 * cer:.2f} %"

    def _fractions(self, score: Score) -> tuple[float, float]:
        return score[0] / max(1, self.words), score[1] / max(1, self.characters)

    def _measured(self, score: Score) -> dict[str, float]:
        return dict(zip(("wer", "cer"), (round(x, 6) for x in self._fractions(score)), strict=True))

    def row(self) -> dict[str, Any]:
        """The object of tuning.json; rates are fractions."""
        names = [axis.name for axis in self.axes]
        trials = [dict(zip(names, t.point, strict=True)) | self._measured(t.score) for t in self.trials]
        c = self.calibration
        return {
            "run": str(self.run), "manifest": str(self.manifest), "reference_words": self.words,
            "reference_characters": self.characters,
            "greedy": self._measured(self.greedy),
            "untuned": self._measured(self.before), "tuned": self._measured(self.after),
            "decoding": self.options.model_dump(mode="json"),
            "confidence": {
                "slope": c.slope, "offset": c.offset, "words": c.words, "log_loss": list(c.log_loss),
                "ece": list(c.ece),
            },
            "seconds": {name: round(s, 3) for name, s in self.seconds.items()}, "warnings": self.warnings(),
            "trials": trials,
        }  # fmt: skip

    def write(self, out: Path | None) -> list[Path]:
        """Write RUN/decoding.yaml, tuning.json and tuning.png, or `out` and both beside it; → what was written."""
        folder = self.run if self.run.is_dir() else self.run.parent
        stem = folder / "tuning" if out is None else out.with_suffix("")
        yaml, table, picture = out or folder / "decoding.yaml", stem.with_name(stem.name + ".json"), None
        write_text(yaml, self._header(yaml) + dump_decoding(self.options, (*_ALWAYS, *self._weights(), *self.said)))
        write_text(table, json.dumps(self.row(), ensure_ascii=False, indent=1) + "\n")
        if self.best is not None and len(self.axes) > 1:
            picture = stem.with_name(stem.name + ".png")
            self._draw(picture)
        return [yaml, table, *([picture] if picture is not None else [])]

    def _weights(self) -> list[str]:
        return [axis.name for axis in self.axes]

    def _header(self, path: Path) -> str:
        run, file = shlex.quote(str(self.run)), shlex.quote(str(path))
        rates = f"greedy {self._rates(self.greedy)}; this file {self._rates(self.after)}"
        lines = [
            f"How {run} decodes best, found by `asr tune` on {self.manifest} ({self.words} words):",
            f"{rates}. Use it with",
            f"  asr evaluate {run} MANIFEST --decoding {file}",
            f"  asr transcribe {run} RECORDINGS --decoding {file}",
            "Paths below are relative to where asr is run. key=value beside --decoding changes single options.",
        ]
        return "".join("# " + " ".join(line.splitlines()) + "\n" for line in lines)

    def _draw(self, path: Path) -> None:
        if self.best is None:
            return
        names = (self.axes[0].name, self.axes[1].name)
        rates = [self._fractions(trial.score)[0] for trial in self.trials]
        points = [(trial.point[0], trial.point[1]) for trial in self.trials]
        title = f"WER on {self.manifest.name}, {len(self.trials)} trials"
        draw_grid(names, points, rates, self.trials.index(self.best), title, path)


def option_names(overrides: Sequence[str]) -> tuple[str, ...]:
    """The decoding options that overrides name."""
    keys = (override.partition("=")[0].strip() for override in overrides)
    return tuple(key.removeprefix("decoding.") for key in keys if key.startswith("decoding."))
