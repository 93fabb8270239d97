"""Keras's and TensorFlow's conventions against what the real libraries returned (tf_keras and tf.nn, stored)."""

import json
import math

import numpy as np
import pytest
import torch

from asr.ctc.compat import keras_ctc_batch_cost, tf_ctc_loss
from asr.ctc.loss import ctc_loss
from asr.errors import LossError

KERAS_EPSILON = 1e-7


@pytest.fixture(scope="module")
def stored(shared_data):
    """The cases, each with logits, targets, lengths and losses as arrays."""
    path = shared_data.parent / "fixtures" / "ctc_cases.npz"
    if not path.is_file():
        pytest.skip(f"no stored CTC cases at {path}")
    z, found = np.load(path), []
    for case in json.loads(str(z["meta_json"])):
        key = f"{case['idx']:02d}_"
        arrays = {n: torch.from_numpy(z[key + n]) for n in ("targets", "input_lengths", "target_lengths", "nll")}
        for name in ("keras_ctc_batch_cost", "tf_dense", "tf_dense_unique"):
            arrays[name] = torch.from_numpy(z[f"impl_{key}{name}_nll"]).double().reshape(-1)
        found.append(case | arrays | {"logits": torch.from_numpy(z[key + "logits"].astype(np.float64))})
    return found


def _as_keras(case):
    """The arguments for Keras: the blank moved to the end, lengths as columns."""
    vocabulary, blank = case["V"], case["blank"]
    order = [k for k in range(vocabulary) if k != blank] + [blank]
    probs = case["logits"][..., order].softmax(-1).float()
    labels = case["targets"].long()
    return labels - (labels > blank).long(), probs, case["input_lengths"][:, None], case["target_lengths"][:, None]


def test_keras_with_its_epsilon(stored):
    """All utterances but those for which Keras's operation has no number: without labels, or with more than frames."""
    compared = 0
    for case in stored:
        labels, frames = case["target_lengths"], case["input_lengths"]
        theirs = case["keras_ctc_batch_cost"]
        assert torch.equal(torch.isnan(theirs), (labels == 0) | (labels > frames)), case["name"]
        ours = keras_ctc_batch_cost(*_as_keras(case), epsilon=KERAS_EPSILON)
        assert ours.shape == (case["B"], 1) and not torch.isnan(ours).any()
        numbers = ~torch.isnan(theirs)  # inf, where repeated labels do not fit, is one of them
        torch.testing.assert_close(
            ours[numbers, 0].double(), theirs[numbers], rtol=2e-5, atol=1e-5, msg=lambda m, c=case: f"{c['name']}: {m}"
        )
        compared += int(numbers.sum())
    assert compared > 150


def test_keras_without_epsilon_is_exact(stored):
    for case in stored:
        if case["style"] == "extreme":
            continue  # float32 probabilities of exp(-160) are 0: what only logits can say
        ours = keras_ctc_batch_cost(*_as_keras(case))[:, 0]
        torch.testing.assert_close(ours.double(), case["nll"], rtol=1e-4, atol=1e-4, msg=case["name"])


def test_kerass_epsilon_caps_what_a_frame_costs():
    probs = torch.tensor([[[1.0, 0.0, 0.0]] * 4])  # sure of the one label that is wrong
    wrong = torch.tensor([[1, 0]]), probs, torch.tensor([[4]]), torch.tensor([[1]])
    capped = float(keras_ctc_batch_cost(*wrong, epsilon=KERAS_EPSILON))
    per_frame = -math.log(KERAS_EPSILON / (1 + 3 * KERAS_EPSILON))
    assert per_frame == pytest.approx(16.118, abs=1e-3)
    # ten alignments of one label in four frames, every one of them at the cap
    assert capped == pytest.approx(4 * per_frame - math.log(10), rel=1e-5)
    assert math.isinf(keras_ctc_batch_cost(*wrong))


def test_tensorflow(stored):
    """All feasible utterances without masked tokens; those far from their targets beside the option `unique`.

    TensorFlow's table holds exp(-707) for 0. So no alignment costs some 707 nats and not inf; far from the targets
    (two of the cases with logits of ±80) its loss is too low, by a third to a half, except with `unique`, the other
    way it has of writing the same table; and one logit of -inf makes it NaN.
    """
    compared = 0
    for case in stored:
        ours = tf_ctc_loss(
            case["targets"], case["logits"].float().transpose(0, 1), case["target_lengths"], case["input_lengths"],
            blank_index=case["blank"],
        ).double()  # fmt: skip
        plain = case["name"] not in ("peaky_wrong_targets", "extreme_long")
        theirs = case["tf_dense" if plain else "tf_dense_unique"]
        possible = torch.isfinite(case["nll"])
        if case["style"] == "neginf":
            assert torch.isnan(theirs).any()
            possible &= ~torch.isnan(theirs)
        else:
            assert (theirs[~possible] > 700).all() and torch.isfinite(theirs).all(), case["name"]
        assert torch.isinf(ours[torch.isinf(case["nll"])]).all() and not torch.isnan(ours).any(), case["name"]
        torch.testing.assert_close(ours[possible], theirs[possible], rtol=2e-5, atol=1e-5, msg=case["name"])
        compared += int(possible.sum())
    assert compared > 150


def test_tensorflows_layouts_and_blanks():
    torch.manual_seed(0)
    logits = torch.randn(2, 6, 4)
    labels, frames, lengths = torch.tensor([[0, 1], [2, 2]]), torch.tensor([6, 5]), torch.tensor([2, 2])
    expected = ctc_loss(logits, labels, frames, lengths, blank=3)
    for time_major in (True, False):
        given = logits.transpose(0, 1) if time_major else logits
        for blank in (3, -1):
            found = tf_ctc_loss(labels, given, lengths, frames, logits_time_major=time_major, blank_index=blank)
            torch.testing.assert_close(found, expected)
    torch.testing.assert_close(
        tf_ctc_loss(labels + 1, logits.transpose(0, 1), lengths, frames),
        ctc_loss(logits, labels + 1, frames, lengths),
    )


def test_keras_takes_whole_floats_and_flat_lengths_and_names_what_it_does_not():
    torch.manual_seed(0)
    probs, labels = torch.randn(2, 6, 4).softmax(-1).requires_grad_(), torch.tensor([[0, 1], [2, 2]])
    frames, lengths = torch.tensor([[6], [5]]), torch.tensor([[2], [2]])
    expected = keras_ctc_batch_cost(labels, probs, frames, lengths)
    torch.testing.assert_close(keras_ctc_batch_cost(labels.float(), probs, frames.float(), lengths[:, 0]), expected)
    expected.sum().backward()
    assert torch.isfinite(probs.grad).all() and (probs.grad != 0).any()
    with pytest.raises(LossError, match=r"keras_ctc_batch_cost: label_length\[1, 0\] is 1.5; expected whole numbers"):
        keras_ctc_batch_cost(labels, probs, frames, torch.tensor([[2.0], [1.5]]))
    with pytest.raises(LossError, match="epsilon is -1"):
        keras_ctc_batch_cost(labels, probs, frames, lengths, epsilon=-1)
    for epsilon in (None, KERAS_EPSILON):
        with pytest.raises(LossError, match=r"give logits to ctc_loss$"):
            keras_ctc_batch_cost(labels, torch.randn(2, 6, 4), frames, lengths, epsilon=epsilon)
    with pytest.raises(LossError, match="utterance 1, label 0 is 3, the blank"):
        keras_ctc_batch_cost(labels + 1, probs, frames, lengths)
    with pytest.raises(LossError, match="probabilities already"):
        tf_ctc_loss(labels + 1, probs.transpose(0, 1), lengths[:, 0], frames[:, 0])


def test_a_large_epsilon_is_still_a_distribution():
    torch.manual_seed(0)
    probs, labels = torch.randn(2, 6, 4).softmax(-1), torch.tensor([[0, 1], [2, 2]])
    frames, lengths = torch.tensor([6, 5]), torch.tensor([2, 2])
    found = keras_ctc_batch_cost(labels, probs, frames, lengths, epsilon=0.1)
    torch.testing.assert_close(found[:, 0], ctc_loss((probs + 0.1).log(), labels, frames, lengths, blank=3))
