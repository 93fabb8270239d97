"""What is minimised: a batch becomes a loss for each utterance, by CTC as it is or by one of its regularised variants.

Knows features, logits and losses; not gradients, steps or when to look. Validation measures plain CTC whatever the
objective, so that runs compare. What an objective learns beside the model is in its buffers, for the checkpoint.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from asr.ctc.loss import Frames, ctc_loss, ctc_loss_and_frames, log_probs
from asr.ctc.prior import blank_prior, label_prior_loss, posterior_sum
from asr.nn.masks import zero_padding
from asr.training import ranks
from asr.training.options import CrCtcOptions, LabelPriorOptions
from asr.types import Batch
from asr.world import World

View = Callable[[int], tuple[Tensor, Tensor]]  # number of an augmented view → its features (B, T, F), lengths (B,)
Model = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]  # features, lengths → logits (B, T', V), lengths (B,)


class Losses(NamedTuple):
    """Nats of each utterance (B,), inf where nothing aligns; and the logits (B, T, V), lengths (B,) they are of.

    `frames` is what plain CTC knows of their blanks, where it is known.
    """

    losses: Tensor
    logits: Tensor
    lengths: Tensor
    frames: Frames | None = None


class Objective(nn.Module):
    """Plain CTC (Graves et al. 2006).

    `comparable`: whether its loss has the plateaus of plain CTC, so that one may read it against those.
    """

    comparable = True

    def forward(self, batch: Batch, view: View, model: Model) -> Losses:
        """The losses of a batch. Changes nothing but the model's own statistics."""
        logits, lengths = model(*view(0))
        losses, frames = ctc_loss_and_frames(logits, batch.targets, lengths, batch.target_lengths)
        return Losses(losses, logits, lengths, frames)

    def note(self, logits: Tensor, lengths: Tensor) -> None:
        """Hear of logits (B, T, V) learned from in this step; a length is 0 where an utterance was left out."""

    def end_step(self, world: World, learned: bool) -> None:
        """All ranks have made a step; `learned` is false when it was thrown away."""


class LabelPriorCTC(Objective):
    """CTC over posteriors divided by a label prior: asr/ctc/prior.py.

    The prior is a running mean of the model's posteriors over the valid frames of all batches and ranks of a step. It
    begins uniform, which is plain CTC, and moves slowly, so that model and prior do not chase each other. The mean of
    the epoch before (Huang et al. 2024) would serve as well, but not the first epoch, and here runs have few. Decoding
    subtracts nothing: the posteriors themselves have become less peaky.
    """

    comparable = False
    prior: Tensor

    def __init__(self, options: LabelPriorOptions, num_tokens: int) -> None:
        super().__init__()
        self.options = options
        self.register_buffer("prior", torch.full((num_tokens,), 1.0 / num_tokens, dtype=torch.float64))
        self._seen: Tensor | None = None  # (V,) posteriors summed since the last step

    def forward(self, batch: Batch, view: View, model: Model) -> Losses:
        """The losses of a batch under the prior as it is."""
        logits, lengths = model(*view(0))
        prior = blank_prior(self.prior) if self.options.prior == "blank" else self.prior
        losses = label_prior_loss(logits, batch.targets, lengths, batch.target_lengths, prior, self.options.scale)
        return Losses(losses, logits, lengths)

    def note(self, logits: Tensor, lengths: Tensor) -> None:
        """Add up the posteriors of the valid frames."""
        seen = posterior_sum(logits, lengths)
        self._seen = seen if self._seen is None else self._seen + seen

    def end_step(self, world: World, learned: bool) -> None:
        """Move the prior towards the mean posterior of the step."""
        mine = torch.zeros_like(self.prior) if self._seen is None else self._seen
        self._seen = None
        seen = torch.tensor(ranks.total(mine.tolist(), world), dtype=self.prior.dtype)
        if learned and float(seen.sum()) > 0:
            self.prior.lerp_((seen / seen.sum()).to(self.prior.device), 1.0 - self.options.decay)


class ConsistencyCTC(Objective):
    """CR-CTC (Yao et al. 2025, ICLR, "CR-CTC: Consistency regularization on CTC for improved speech recognition").

    Two augmented views of each utterance: the mean of their CTC losses, and alpha times the mean of the divergences of
    each view's posteriors from the other's, frame by frame. Both go through the model as one batch of 2B, as in the
    paper: on an accelerator one large batch is faster than two, and batch norm sees the views alike. What changes an
    utterance's frames in number or place (speed) happens to its waveform, which the views share. In the paper masks in
    time cover 2.5 times as much as without; without any augmentation the views differ by dropout alone.
    """

    def __init__(self, options: CrCtcOptions) -> None:
        super().__init__()
        self.alpha = options.alpha

    def forward(self, batch: Batch, view: View, model: Model) -> Losses:
        """The losses of a batch; logits and lengths are those of the first view."""
        views = view(0), view(1)
        logits, lengths = model(*(torch.cat(parts) for parts in zip(*views, strict=True)))
        ctc = ctc_loss(logits, batch.targets.repeat(2, 1), lengths, batch.target_lengths.repeat(2))
        (one, other), lengths = logits.chunk(2), lengths[: len(batch.ids)]
        losses = ctc.view(2, -1).mean(0)
        # both views have the same lengths, so who has no alignment has none in either, and gets no gradient here
        counted = torch.where(torch.isposinf(losses), 0, lengths)
        return Losses(losses + self.alpha * consistency(one, other, counted), one, lengths)


def consistency(one: Tensor, other: Tensor, lengths: Tensor) -> Tensor:
    """½ KL(sg(q) ‖ p) + ½ KL(sg(p) ‖ q) of the posteriors p, q of two logits (B, T, V), summed over frames: (B,) nats.

    sg stops the gradient: each view learns towards the other's posteriors as they are.
    """
    # equal logits in the padding diverge by 0 and have no gradient
    p, q = (log_probs(zero_padding(logits, lengths)) for logits in (one, other))
    return 0.5 * (_divergence(q.detach(), p) + _divergence(p.detach(), q))


def _divergence(target: Tensor, of: Tensor) -> Tensor:
    """KL(target ‖ of) of log probabilities (B, T, V), summed over frames and tokens: (B,)."""
    weights = target.exp()
    # a masked token, of probability 0 in both, would make -inf - -inf
    return (weights * torch.where(weights > 0, target - of, 0.0)).sum((1, 2))
