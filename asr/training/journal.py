"""What a run says: log.jsonl, TensorBoard events and the progress bar's words. Numbers in, lines out."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from asr.files import write_text


class Journal:
    """Appends rows to `folder/log.jsonl` and TensorBoard events; `say` hands a readable line to whoever listens."""

    def __init__(
        self, folder: Path, say: Callable[[str], None] = lambda line: None, resumed_at: int | None = None
    ) -> None:
        from torch.utils.tensorboard import SummaryWriter

        folder.mkdir(parents=True, exist_ok=True)
        self.say = say
        self._file = (folder / "log.jsonl").open("a", encoding="utf-8")
        self._events = SummaryWriter(str(folder / "events"), purge_step=None if resumed_at is None else resumed_at + 1)

    def record(self, row: dict[str, Any]) -> None:
        """One row: `kind`, `step` and numbers. Written at once, so that a killed run keeps its log."""
        self._file.write(json.dumps(_rounded(row), ensure_ascii=False) + "\n")
        self._file.flush()
        for name, value in row.items():
            if isinstance(value, int | float) and name not in ("step", "kind"):
                self._events.add_scalar(f"{row['kind']}/{name}", value, row["step"])
        self.say(describe(row))

    def close(self) -> None:
        """Flush and close both files."""
        self._file.close()
        self._events.close()


def truncate_log(path: Path, step: int) -> None:
    """Drop the rows beyond `step` from a log, so that a resumed run does not tell its steps twice."""
    if not path.is_file():
        return
    kept = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            if json.loads(line)["step"] <= step:
                kept.append(line + "\n")
        except (json.JSONDecodeError, KeyError, TypeError):
            continue  # the half line of a killed process
    write_text(path, "".join(kept))


def describe(row: dict[str, Any]) -> str:
    """A row as one readable line."""
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


def _rounded(row: dict[str, Any]) -> dict[str, Any]:
    return {k: float(f"{v:.6g}") if isinstance(v, float) else v for k, v in row.items()}
