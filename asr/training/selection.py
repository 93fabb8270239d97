"""Which weights are the model: the better of two, or the mean of several (Izmailov et al. 2018)."""

import torch
from torch import Tensor


def better(metrics: dict[str, float], best_wer: float | None, best_loss: float | None) -> bool:
    """Whether `metrics` beat the best so far: a lower WER, or an equal one with a lower loss."""
    if best_wer is None or best_loss is None:
        return True
    return (metrics["wer"], metrics["loss"]) < (best_wer, best_loss)


def mean(states: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    """The mean of the floating tensors of several state dicts; the last of anything else (batch counters)."""
    last = states[-1]
    return {k: torch.stack([s[k] for s in states]).mean(0) if v.is_floating_point() else v for k, v in last.items()}
