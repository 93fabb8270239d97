"""Rows as a run's log.jsonl has them."""

from typing import Any

FACTS = {
    "kind": "facts", "step": 0, "blanks_loss": 1.9, "unigram_loss": 1.8, "clip": 5.0, "utterances": 24,
}  # fmt: skip


def step(number: int, **more: Any) -> dict[str, Any]:
    return {
        "kind": "step", "step": number, "epoch": number / 10, "progress": number / 100, "loss": 6.0 / number,
        "lr": 1e-3, "gradient_norm": 2.0, "audio_seconds_per_second": 90.0, "data_wait": 0.1, "padding": 0.05,
        "blank_share": 0.9, "empty_share": 0.1, "elapsed": 60.0 * number, "word": "",
    } | more  # fmt: skip


def validation(number: int, wer: float, heard: str) -> dict[str, Any]:
    samples = [{"id": "u<1>", "reference": "a & b", "hypothesis": heard}]
    return {
        "kind": "validation", "step": number, "epoch": number / 10, "wer": wer, "cer": wer / 2, "loss": 2.0,
        "best": True, "best_wer": wer, "samples": samples,
    }  # fmt: skip
