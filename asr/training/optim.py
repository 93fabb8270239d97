"""Optimisers and learning rate schedules. Schedules know progress in [0, 1] and the epoch, not steps."""

import math

import torch
from torch import nn

from asr.training.options import TrainingOptions

_FIRST, _LAST = 0.04, 1e-3  # one-cycle: shares of the peak it starts and ends at


def make_optimizer(model: nn.Module, options: TrainingOptions) -> torch.optim.Optimizer:
    """AdamW or SGD with Nesterov momentum; weight decay on matrices only, not on biases and norms."""
    weights = [p for p in model.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in weights if p.dim() > 1], "weight_decay": options.weight_decay},
        {"params": [p for p in weights if p.dim() <= 1], "weight_decay": 0.0},
    ]
    if options.optimizer == "sgd":
        return torch.optim.SGD(groups, lr=options.lr, momentum=options.momentum, nesterov=options.momentum > 0)
    return torch.optim.AdamW(groups, lr=options.lr, betas=(0.9, 0.98), fused=True)


def learning_rate(options: TrainingOptions, progress: float, epoch: int) -> float:
    """The learning rate at `progress` of the run (0 to 1), in epoch `epoch`.

    onecycle: cosine up over `warmup`, cosine down to 1/1000 (Smith 2018). cosine: linear up, cosine to 0
    (Loshchilov & Hutter 2017). deepspeech2: after a linear warm-up,
    divided by `anneal` after every epoch (Amodei et al. 2016).
    """
    progress = min(1.0, max(0.0, progress))
    rising = progress < options.warmup
    share = progress / options.warmup if rising else (progress - options.warmup) / (1.0 - options.warmup)
    if options.schedule == "onecycle":
        low, at = (_FIRST, share) if rising else (_LAST, 1.0 - share)
        return options.lr * (low + (1.0 - low) * 0.5 * (1.0 - math.cos(math.pi * at)))
    if rising:
        return options.lr * max(share, 1e-3)
    if options.schedule == "cosine":
        return options.lr * 0.5 * (1.0 + math.cos(math.pi * share))
    return options.lr / options.anneal**epoch
