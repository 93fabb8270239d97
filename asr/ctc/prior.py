"""The CTC loss over posteriors divided by a label prior, against peaks and against blanks everywhere.

Zeyer, Schlüter & Ney 2021, "Why does CTC result in peaky behavior?": the hybrid model p(x | k) ∝ p(k | x) / p(k)^scale
in place of p(k | x) leaves a label no gain from being frequent. Huang et al. 2024, "Less peaky and more accurate CTC
forced alignment by label priors": the prior is the mean of the model's own posteriors, and is used in training only.
Knows the loss under a given prior and how to add up posteriors; when the prior moves is the trainer's affair.
"""

import torch
from torch import Tensor

from asr.ctc.collapse import BLANK
from asr.ctc.loss import ctc_loss

_FLOOR = 1e-8  # of a prior: a token that the model has given up would have a score of +inf


def label_prior_loss(
    logits: Tensor,
    targets: Tensor,
    input_lengths: Tensor,
    target_lengths: Tensor,
    prior: Tensor,
    scale: float,
    blank: int = BLANK,
) -> Tensor:
    """-log of the sum over all alignments of Π p(k_t | x) / prior(k_t)^scale, each utterance (B,), in nats.

    logits (B, T, V), targets (B, L), lengths (B,), prior (V,) probabilities, which get no gradient. The scores are no
    distribution, so the loss may be negative. A uniform prior or scale 0 leaves the gradient of `ctc_loss`. An
    infeasible utterance has loss inf and gradient 0, as there.
    """
    wide = logits.to(torch.promote_types(logits.dtype, torch.float32))
    weights = scale * prior.to(wide).clamp(min=_FLOOR).log()
    # ctc_loss normalises what it is given, and these scores shall not be. With z = logits - weights the scores are
    # s = z - lse(logits), frame by frame, and ctc_loss(z) = -log Σ_paths Π exp(z - lse(z)) is the wanted
    # -log Σ_paths Π exp(s) plus Σ_t lse(z_t) - lse(logits_t): every path passes every frame once.
    z = wide - weights
    loss = ctc_loss(z, targets, input_lengths, target_lengths, blank)
    # masked before they are normalised, so that neither padding nor who has no alignment gets a gradient
    left_out = (_beyond(logits, input_lengths) | torch.isposinf(loss)[:, None])[:, :, None]
    shift = wide.masked_fill(left_out, 0.0).logsumexp(-1) - z.masked_fill(left_out, 0.0).logsumexp(-1)
    return loss + shift.sum(-1)


def blank_prior(prior: Tensor, blank: int = BLANK) -> Tensor:
    """The prior (V,) with all tokens but the blank equally probable, so that it holds back the blank alone."""
    pooled = ((1.0 - prior[blank]) / max(1, len(prior) - 1)).expand(len(prior)).clone()
    pooled[blank] = prior[blank]
    return pooled


@torch.no_grad()
def posterior_sum(logits: Tensor, lengths: Tensor) -> Tensor:
    """Posteriors of logits (B, T, V) summed over the valid frames: (V,) float64, adding up to the number of frames."""
    posteriors = logits.softmax(-1, dtype=torch.promote_types(logits.dtype, torch.float32))
    return posteriors.masked_fill(_beyond(logits, lengths)[:, :, None], 0.0).sum((0, 1), dtype=torch.float64)


def _beyond(logits: Tensor, lengths: Tensor) -> Tensor:
    """(B, T) bool, true in the padding."""
    return torch.arange(logits.shape[1], device=logits.device) >= lengths.to(logits.device)[:, None]
