"""What a run says: log.jsonl, TensorBoard events and the progress bar's words. Numbers in, lines out.

It keeps the rows it has written, those of the run it resumes included, because what is to be said of a run is a
function of all of them.
"""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from asr.files import write_text
from asr.training.diagnosis import diagnose, word_on
from asr.training.history import Row


class Journal:
    """Appends rows to `folder/log.jsonl` and TensorBoard events; `say` hands a readable line to whoever listens.

    `show` is handed all rows whenever a run is saved, which it is after every validation.
    """

    def __init__(
        self,
        folder: Path,
        say: Callable[[str], None] = lambda line: None,
        resumed_at: int | None = None,
        show: Callable[[Sequence[Row]], None] = lambda rows: None,
    ) -> None:
        from torch.utils.tensorboard import SummaryWriter

        folder.mkdir(parents=True, exist_ok=True)
        self.say, self._show = say, show
        self.rows = read_log(folder / "log.jsonl")
        self._told = {d.name for d in diagnose(self.rows)}
        self._file = (folder / "log.jsonl").open("a", encoding="utf-8")
        self._events = SummaryWriter(str(folder / "events"), purge_step=None if resumed_at is None else resumed_at + 1)

    def record(self, row: Row) -> None:
        """One row: `kind`, `step` and numbers. Written at once, so that a killed run keeps its log.

        A step gets its `word`, and what is newly to be said of the run is said.
        """
        row = _rounded(row)
        if row["kind"] == "step":
            row["word"] = word_on([*self.rows, row])
        self.rows.append(row)
        self._file.write(json.dumps(row, ensure_ascii=False) + "\n")
        self._file.flush()
        for name, value in row.items():
            if isinstance(value, int | float) and name not in ("step", "kind"):
                self._events.add_scalar(f"{row['kind']}/{name}", value, row["step"])
        self.say(describe(row))
        self._tell()

    def show(self) -> None:
        """Hand the rows to whoever draws them."""
        self._show(self.rows)

    def _tell(self) -> None:
        """Say what is wrong the first time it is seen."""
        for diagnosis in diagnose(self.rows):
            if not diagnosis.normal and diagnosis.name not in self._told:
                self._told.add(diagnosis.name)
                self.say(str(diagnosis))

    def close(self) -> None:
        """Flush and close both files."""
        self._file.close()
        self._events.close()


def read_log(path: Path) -> list[Row]:
    """The rows of a log.jsonl; none where there is no file. The half line of a killed process is passed over."""
    if not path.is_file():
        return []
    parsed = map(_parsed, path.read_text(encoding="utf-8").splitlines())
    return [row for row in parsed if isinstance(row, dict) and {"kind", "step"} <= row.keys()]


def _parsed(line: str) -> Any:
    try:
        return json.loads(line)
    except json.JSONDecodeError:
        return None


def truncate_log(path: Path, step: int) -> None:
    """Drop the rows beyond `step` from a log, so that a resumed run does not tell its steps twice."""
    if not path.is_file():
        return
    kept = [json.dumps(row, ensure_ascii=False) + "\n" for row in read_log(path) if row["step"] <= step]
    write_text(path, "".join(kept))


def describe(row: Row) -> str:
    """A row as one readable line."""
    if row["kind"] == "facts":
        return _yardsticks(row)
    if row["kind"] == "validation":
        best = "  best so far" if row["best"] else f"  best {row['best_wer']:.2%}"
        head = f"step {row['step']:>6}  epoch {row['epoch']:>5.2f}  validation"
        return f"{head}  WER {row['wer']:.2%}  CER {row['cer']:.2%}  loss {row['loss']:.3f}{best}"
    loss = "–" if row["loss"] is None else f"{row['loss']:.3f}"
    line = (
        f"step {row['step']:>6}  epoch {row['epoch']:>5.2f}  loss {loss} nats/token  lr {row['lr']:.1e}  "
        f"gradient {row['gradient_norm']:.2f}  {row['audio_seconds_per_second']:.0f} audio-s/s  wait "
        f"{row['data_wait']:.1%}  "
        f"blank {row['blank_share']:.0%}  empty {row['empty_share']:.0%}"
    )
    skipped = f"skipped {row['skipped']}" if row.get("skipped") else ""
    return "  ".join(part for part in (line, skipped, row["word"]) if part)


def _yardsticks(row: Row) -> str:
    if row.get("blanks_loss") is None:
        return "no target fits into its frames"
    return (
        f"yardsticks: {row['blanks_loss']:.3f} nats/token for saying only blanks, {row['unigram_loss']:.3f} for the "
        "best constant output; below them a model listens"
    )


def _rounded(row: Row) -> Row:
    return {k: float(f"{v:.6g}") if isinstance(v, float) else v for k, v in row.items()}
