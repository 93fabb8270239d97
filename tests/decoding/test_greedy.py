"""The greedy decoder against the definition, and its blindness to padding."""

from itertools import groupby, product

import pytest
import torch

from asr.decoding.greedy import GreedyDecoder
from asr.decoding.options import DecodingOptions
from asr.errors import LossError
from asr.interfaces import Decoder


def _log_probs(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(3)).mul(2).log_softmax(-1)


def test_takes_the_most_probable_of_all_paths() -> None:
    log_probs = _log_probs(4, 5, 3)
    for row, (hypothesis,) in zip(log_probs, GreedyDecoder()(log_probs, torch.full((4,), 5)), strict=True):
        scores = {
            path: sum(row[t, k].item() for t, k in enumerate(path)) for path in product(range(3), repeat=5)
        }
        best = max(scores, key=lambda path: scores[path])
        assert hypothesis.tokens == tuple(k for k, _ in groupby(best) if k)
        assert hypothesis.score == pytest.approx(scores[best])
        assert [best[start] for start, _ in hypothesis.frames] == list(hypothesis.tokens)


@pytest.mark.parametrize("padding", [0.0, float("nan"), float("inf"), -1e9])
def test_what_padding_holds_has_no_effect(padding: float) -> None:
    log_probs, lengths = _log_probs(3, 9, 4), torch.tensor([9, 4, 0])
    rows = [(log_probs[b : b + 1, :n], lengths[b : b + 1]) for b, n in enumerate(lengths)]
    alone = [GreedyDecoder()(*row)[0] for row in rows]
    for b, n in enumerate(lengths):
        log_probs[b, n:] = padding
    assert GreedyDecoder()(log_probs, lengths) == alone
    assert alone[2][0].tokens == () and alone[2][0].score == 0.0


def test_a_broken_model_is_no_silence() -> None:
    log_probs = _log_probs(2, 4, 3)
    log_probs[1, 2, 0] = float("nan")
    assert GreedyDecoder()(log_probs, torch.tensor([4, 2]))
    with pytest.raises(LossError, match=r"utterance 1, frame 2: an emission is NaN"):
        GreedyDecoder()(log_probs, torch.tensor([4, 3]))


def test_fits_the_seam() -> None:
    assert isinstance(GreedyDecoder(), Decoder)
    assert DecodingOptions().kind == "greedy"
