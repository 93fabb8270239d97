"""The longest batch first: too little memory shows now, not after an hour."""

from collections.abc import Callable, Iterable

from torch import OutOfMemoryError, Tensor, nn

from asr import seeding
from asr.errors import TrainingError
from asr.types import Batch


def try_out(model: nn.Module, batches: Iterable[Batch], losses: Callable[[Batch], Tensor], where: str) -> None:
    """Run `losses` (→ (B,) nats) of each batch forward and backward, and undo it: weights, buffers, generators.

    Raises TrainingError when memory does not suffice.
    """
    generators, buffers = seeding.capture(), [b.clone() for b in model.buffers()]
    model.train()
    count = 0
    try:
        for batch in batches:
            count = len(batch.ids)
            losses(batch).nan_to_num(posinf=0.0).sum().backward()
    except (MemoryError, RuntimeError) as error:
        if not isinstance(error, MemoryError | OutOfMemoryError) and "can't allocate memory" not in str(error):
            raise
        reason = (str(error) or "out of memory").splitlines()[0]
        raise TrainingError(
            f"{where}: the longest batch ({count} utterances) does not fit into memory ({reason}); expected it to fit; "
            "lower data.batch_seconds or data.max_duration"
        ) from None
    finally:
        model.zero_grad(set_to_none=True)
        for buffer, kept in zip(model.buffers(), buffers, strict=True):
            buffer.copy_(kept)
        seeding.restore(generators)
