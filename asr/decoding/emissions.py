"""What no decoder can use: emissions that are no log probabilities."""

import numpy as np

from asr.errors import LossError


def refuse(utterance: int, emissions: np.ndarray) -> None:
    """Raises LossError for what are no log probabilities. Sums are not looked at: tokens may have been masked."""
    if not len(emissions) or emissions.max() <= 1e-3:  # NaN is not
        return
    frame = int(np.argmax(~(emissions.max(axis=1) <= 1e-3)))
    row = emissions[frame]
    expected = "expected log probabilities, none above 0"
    if np.isnan(row).any():
        wrong, remedy = "an emission is NaN", "look for what broke the model"
    elif emissions.min() >= 0 and np.allclose(emissions.sum(axis=1), 1, atol=1e-3):
        wrong, remedy = "these are probabilities", "give their logarithm"
    else:
        wrong, remedy = f"an emission is {row.max():.3f}, above 0", "give log_probs(logits)"
    raise LossError(f"decoder: utterance {utterance}, frame {frame}: {wrong}; {expected}; {remedy}")
