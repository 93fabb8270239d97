"""Best-path decoding: the likeliest token of every frame, collapsed (Graves 2006, section 3.2)."""

from torch import Tensor

from asr.ctc.collapse import collapse
from asr.decoding.emissions import refuse
from asr.types import Hypothesis


class GreedyDecoder:
    """The labelling of the most probable path. Fits interfaces.Decoder with lists of one hypothesis."""

    def __call__(self, log_probs: Tensor, lengths: Tensor) -> list[list[Hypothesis]]:
        """(B, T, V) log_probs, (B,) → a hypothesis each, scored by the log probability of its path (nats).

        Raises LossError for NaN.
        """
        best = log_probs.detach().max(dim=-1)
        scores, paths = best.values.double().cpu(), best.indices.cpu()
        for b, length in enumerate(lengths.tolist()):
            if scores[b, :length].isnan().any():
                refuse(b, log_probs[b, :length].detach().cpu().numpy())
        return [[_hypothesis(paths[b, :length], scores[b, :length])] for b, length in enumerate(lengths.tolist())]


def _hypothesis(path: Tensor, scores: Tensor) -> Hypothesis:
    tokens, frames = collapse(path)
    return Hypothesis(tuple(tokens), tuple(frames), float(scores.sum()))
