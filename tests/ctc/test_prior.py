"""The CTC loss under a label prior against brute force over all paths, and posteriors added up by hand."""

import numpy as np
import oracles
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from asr.ctc.loss import ctc_loss, log_probs
from asr.ctc.prior import blank_prior, label_prior_loss, posterior_sum

PRIOR = torch.tensor([0.6, 0.3, 0.06, 0.04])


def _random(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).to(dtype)


def _batch() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Targets, input_lengths and target_lengths over four symbols; the third utterance is infeasible."""
    targets = torch.tensor([[1, 2, 2], [3, 1, 3], [1, 1, 1], [2, 2, 2]])
    return targets, torch.tensor([7, 5, 4, 6]), torch.tensor([3, 1, 3, 0])


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 5),
    st.lists(st.integers(0, 1), max_size=3),
    st.integers(0, 2),
    st.floats(0, 1),
    st.integers(0, 1000),
)
def test_equals_the_unnormalised_sum_over_all_paths(
    frames: int, letters: list[int], blank: int, scale: float, seed: int
) -> None:
    target = tuple(k + (k >= blank) for k in letters)  # the two ids that are not the blank
    logits, prior = _random(1, frames, 3, seed=seed) * 3, _random(3, seed=seed + 1).softmax(-1)
    scores = log_probs(logits[0]).double() - scale * prior.double().log()
    expected = oracles.ctc_nll(scores.numpy(), target, blank)
    lengths = torch.tensor([frames]), torch.tensor([len(target)])
    loss = label_prior_loss(logits, torch.tensor([target]).long(), *lengths, prior, scale, blank)
    assert float(loss) == pytest.approx(expected, rel=1e-4, abs=1e-4)


def test_the_gradient_is_that_of_the_loss() -> None:
    logits = _random(2, 5, 4, dtype=torch.float64).requires_grad_()
    targets, lengths = torch.tensor([[1, 2], [3, 3]]), torch.tensor([5, 4])

    def loss(x: torch.Tensor) -> torch.Tensor:
        return label_prior_loss(x, targets, lengths, torch.tensor([2, 2]), PRIOR.double(), 0.7)

    assert torch.autograd.gradcheck(loss, logits)
    assert loss(logits).dtype == torch.float64


def test_no_scale_is_plain_and_a_uniform_prior_pushes_nowhere() -> None:
    logits, (targets, frames, labels) = _random(4, 7, 4), _batch()
    plain = ctc_loss(logits, targets, frames, labels)
    assert torch.equal(label_prior_loss(logits, targets, frames, labels, PRIOR, 0.0), plain)
    grown = label_prior_loss(logits, targets, frames, labels, torch.full((4,), 0.25), 1.0)
    torch.testing.assert_close(grown, plain + frames * np.log(0.25))
    gradients = []
    for prior, scale in ((PRIOR, 0.0), (torch.full((4,), 0.25), 1.0), (PRIOR, 1.0)):
        x = logits.clone().requires_grad_()
        label_prior_loss(x, targets, frames, labels, prior, scale)[[0, 1, 3]].sum().backward()
        gradients.append(x.grad)
    torch.testing.assert_close(gradients[1], gradients[0])
    # where the blank is the likeliest token, its share in the alignments falls and with it what draws it upwards
    assert gradients[2][1, :5, 0].sum() > gradients[0][1, :5, 0].sum() + 0.1


def test_who_has_no_alignment_has_no_gradient_and_padding_no_effect() -> None:
    targets, frames, labels = _batch()
    logits = _random(4, 7, 4)
    beyond = torch.arange(7) >= frames[:, None]
    logits[beyond] = torch.nan
    logits[0, :, 3] = -torch.inf  # a masked token that the utterance does not need
    x = logits.requires_grad_()
    loss = label_prior_loss(x, targets, frames, labels, PRIOR, 0.5)
    assert torch.isposinf(loss).tolist() == [False, False, True, False]
    loss.sum().backward()
    assert not x.grad.isnan().any() and not x.grad[2].any() and not x.grad[beyond].any()
    assert x.grad[0].any() and x.grad[1].any() and x.grad[3].any()
    for b, n in enumerate(frames.tolist()):
        one = slice(b, b + 1)
        alone = label_prior_loss(logits[one, :n], targets[one], frames[one], labels[one], PRIOR, 0.5)
        torch.testing.assert_close(alone, loss[one])


def test_a_token_that_was_given_up_has_a_finite_score() -> None:
    logits, (targets, frames, labels) = _random(4, 7, 4).requires_grad_(), _batch()
    loss = label_prior_loss(logits, targets, frames, labels, torch.tensor([1.0, 0.0, 0.0, 0.0]), 1.0)
    loss[[0, 1, 3]].sum().backward()
    assert torch.isfinite(loss[[0, 1, 3]]).all() and torch.isfinite(logits.grad).all()


def test_sixteen_bits_are_computed_in_float32() -> None:
    logits, batch = _random(4, 7, 4, dtype=torch.bfloat16), _batch()
    torch.testing.assert_close(
        label_prior_loss(logits, *batch, PRIOR, 0.5), label_prior_loss(logits.float(), *batch, PRIOR, 0.5)
    )


def test_the_prior_of_the_blank_alone() -> None:
    pooled = blank_prior(PRIOR)
    torch.testing.assert_close(pooled, torch.tensor([0.6, 0.4 / 3, 0.4 / 3, 0.4 / 3]))
    torch.testing.assert_close(blank_prior(PRIOR, blank=3), torch.tensor([0.32, 0.32, 0.32, 0.04]))
    assert PRIOR[1] == torch.tensor(0.3)
    # beside the blank's penalty, log(0.6 / (0.4 / 3)) nats, only a number that is the same for every path is left
    logits, (targets, frames, labels) = _random(4, 7, 4), _batch()
    scores = log_probs(logits)
    scores[..., 0] -= 0.5 * np.log(0.6 / (0.4 / 3))
    expected = oracles.ctc_nll(scores[1, :5].numpy(), (3,)) + 5 * 0.5 * np.log(0.4 / 3)
    loss = label_prior_loss(logits, targets, frames, labels, pooled, 0.5)[1]
    assert float(loss) == pytest.approx(expected, rel=1e-4)


def test_posteriors_are_summed_over_valid_frames() -> None:
    logits, lengths = _random(3, 6, 4, dtype=torch.float64), torch.tensor([6, 0, 2])
    total = np.zeros(4)
    for b, n in enumerate(lengths.tolist()):
        for t in range(n):
            row = np.exp(logits[b, t].numpy())
            total += row / row.sum()
        logits[b, n:] = torch.nan
    summed = posterior_sum(logits.requires_grad_(), lengths)
    np.testing.assert_allclose(summed.numpy(), total, rtol=1e-12)
    assert float(summed.sum()) == pytest.approx(8) and not summed.requires_grad
