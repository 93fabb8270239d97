"""The CTC loss called as Keras and TensorFlow call it, for who brings a model or a script from there.

Knows their argument order, layouts and blanks. What a wrong call costs there stays an error here.
"""

import torch
from torch import Tensor

from asr.ctc.loss import ctc_loss, ctc_loss_from_probs
from asr.errors import LossError


def keras_ctc_batch_cost(
    y_true: Tensor, y_pred: Tensor, input_length: Tensor, label_length: Tensor, epsilon: float | None = None
) -> Tensor:
    """Keras's `ctc_batch_cost`: loss (B, 1) in nats of PROBABILITIES y_pred (B, T, V), the blank their last index.

    y_true (B, L), input_length and label_length (B, 1) or (B,), integers or, as Keras hands them on, whole floats.
    Keras itself adds epsilon = 1e-7 to the probabilities and takes the softmax of their logarithm. No frame then costs
    more than -log(1e-7) = 16.1 nats: a model that is surely wrong looks less so and gets next to no gradient where
    it is. Give 1e-7 to reproduce Keras's numbers; without it the loss is exact. Where Keras's loss is NaN or an error
    (no labels, more labels than frames) this one is right: finite, or inf.
    Raises LossError as `ctc_loss_from_probs` does, and for an epsilon outside [0, 1).
    """
    if epsilon is not None:
        if not 0 <= epsilon < 1:
            raise LossError(f"keras_ctc_batch_cost: epsilon is {epsilon:g}; expected [0, 1); Keras's own is 1e-7")
        wide = y_pred.to(torch.promote_types(y_pred.dtype, torch.float32))  # 1e-7 is lost in 16 bits
        y_pred = (wide + epsilon) / (1 + y_pred.shape[-1] * epsilon)
    labels = _whole("y_true", y_true)
    frames, lengths = _flat(_whole("input_length", input_length)), _flat(_whole("label_length", label_length))
    loss = ctc_loss_from_probs(y_pred, labels, frames, lengths, blank=y_pred.shape[-1] - 1)
    return loss[:, None]


def tf_ctc_loss(
    labels: Tensor,
    logits: Tensor,
    label_length: Tensor,
    logit_length: Tensor,
    logits_time_major: bool = True,
    blank_index: int = 0,
) -> Tensor:
    """TensorFlow's `tf.nn.ctc_loss` with dense labels (B, L): loss (B,) in nats of logits, the softmax is inside.

    logits (T, B, V), or (B, T, V) with `logits_time_major=False`; lengths (B,). A negative blank_index counts from the
    end: -1 is V - 1. TensorFlow takes exp(-707) for 0, so that it has a finite loss where no alignment exists and too
    small a one far from the targets, and has NaN for a logit of -inf; here these are inf, exact, and exact.
    Raises LossError as `ctc_loss` does.
    """
    batch_first = logits.transpose(0, 1) if logits_time_major and logits.dim() == 3 else logits
    blank = blank_index + logits.shape[-1] if blank_index < 0 else blank_index
    return ctc_loss(batch_first, labels, logit_length, label_length, blank)


def _flat(lengths: Tensor) -> Tensor:
    return lengths[:, 0] if lengths.dim() == 2 and lengths.shape[1] == 1 else lengths


def _whole(name: str, x: Tensor) -> Tensor:
    """Whole numbers kept in floats as integers."""
    if not x.is_floating_point():
        return x
    broken = (x != x.round()).nonzero()
    if len(broken):
        place = broken[0].tolist()
        raise LossError(
            f"keras_ctc_batch_cost: {name}{place} is {float(x[tuple(place)]):g}; expected whole numbers; count frames "
            "and labels"
        )
    return x.long()
