"""Every mistake at the doors of the loss is one line that names its place."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from asr.ctc.checks import check_log_probs, check_probs, checked, padded, refuse_probabilities
from asr.errors import LossError


def _good():
    return {
        "x": torch.randn(2, 5, 4),
        "targets": torch.tensor([[1, 2, 3], [3, 0, 9]]),
        "input_lengths": torch.tensor([5, 4]),
        "target_lengths": torch.tensor([3, 1]),
        "blank": 0,
    }


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"targets": torch.tensor([[1, 2, 3], [4, 0, 9]])}, r"utterance 1, label 0 is 4, beyond .*\[0, 4\)"),
        ({"targets": torch.tensor([[1, -2, 3], [3, 0, 9]])}, "utterance 0, label 1 is -2, negative"),
        ({"targets": torch.tensor([[1, 2, 0], [3, 0, 9]])}, "utterance 0, label 2 is 0, the blank"),
        ({"blank": 3}, "utterance 0, label 2 is 3, the blank; .*other than the blank 3"),
        ({"targets": torch.tensor([1, 2, 3, 7])}, "utterance 1, label 0 is 7"),
        ({"targets": torch.tensor([1, 2, 3])}, r"target_lengths \[3, 1\] add up to 4 but .* hold 3"),
        ({"targets": torch.tensor([1, 2]), "target_lengths": torch.tensor([3, -1])}, r"target_lengths \[3, -1\]"),
        ({"targets": torch.tensor([[1.0, 2.0, 3.0], [3.0, 0.0, 9.0]])}, r"targets are float32 \(2, 3\)"),
        ({"targets": torch.tensor([[1, 2, 3]])}, r"targets are int64 \(1, 3\) beside an input of shape \(2, 5, 4\)"),
        ({"targets": torch.ones(2, 3, 1).long()}, r"targets are int64 \(2, 3, 1\)"),
        ({"input_lengths": torch.tensor([5, 6])}, r"input_lengths\[1\] is 6; expected 0 … 5, the frames of the input"),
        ({"input_lengths": torch.tensor([-1, 5])}, r"input_lengths\[0\] is -1"),
        ({"input_lengths": torch.tensor([0.8, 1.0])}, r"input_lengths\[0\] is 0.8; expected integers"),
        ({"input_lengths": torch.tensor([True, True])}, r"input_lengths is bool"),
        ({"input_lengths": torch.tensor([[5], [4]])}, r"input_lengths is int64 \(2, 1\); expected \(2,\)"),
        ({"input_lengths": torch.tensor(5)}, r"input_lengths is int64 \(\); expected \(2,\)"),
        ({"target_lengths": torch.tensor([3, 4])}, r"target_lengths\[1\] is 4; expected 0 … 3, the columns of targets"),
        ({"target_lengths": torch.tensor([3, -1])}, r"target_lengths\[1\] is -1"),
        ({"target_lengths": torch.tensor([3])}, r"target_lengths is int64 \(1,\); expected \(2,\)"),
        ({"blank": 4}, r"blank is 4; expected an id in \[0, 4\)"),
        ({"blank": -1}, "blank is -1; .*V - 1"),
        ({"x": torch.randn(5, 4)}, r"got float32 \(5, 4\); expected floats \(B, T, V\); put the batch first"),
        ({"x": torch.ones(2, 5, 4).long()}, r"got int64 \(2, 5, 4\); expected floats"),
    ],
)
def test_bad_input_names_the_place(change, words):
    with pytest.raises(LossError, match=rf"^the door: .*{words}") as caught:
        checked("the door", **(_good() | change))
    assert "\n" not in str(caught.value) and str(caught.value).count("; ") >= 2


def test_good_input_comes_back_as_int64_on_the_host_whatever_its_padding_holds():
    good = _good()
    ready = checked("the door", **good)
    assert torch.equal(ready.targets, good["targets"])
    narrow = good | {name: good[name].to(torch.int16) for name in ("targets", "input_lengths", "target_lengths")}
    for tensor in checked("the door", **narrow):
        assert tensor.dtype == torch.int64 and tensor.device.type == "cpu"
    column = torch.stack([good["targets"], good["targets"]], -1)[..., 0]  # labels apart in memory
    assert torch.equal(checked("the door", **(good | {"targets": column})).targets, good["targets"])


@given(st.lists(st.lists(st.integers(1, 9), max_size=4), max_size=4))
def test_concatenated_targets_come_apart_again(rows):
    lengths = torch.tensor([len(row) for row in rows], dtype=torch.int64)
    found = padded(torch.tensor([k for row in rows for k in row], dtype=torch.int64), lengths)
    assert found.shape == (len(rows), max(map(len, rows), default=0))
    assert [row[:n] for row, n in zip(found.tolist(), lengths.tolist(), strict=True)] == rows


def test_probabilities_are_told_from_logits():
    probs, lengths = torch.randn(3, 4, 5).softmax(-1), torch.tensor([4, 4, 0])
    for rows in (probs, probs.half(), probs.bfloat16(), torch.eye(5).expand(3, 5, 5)):
        with pytest.raises(LossError, match="probabilities already"):
            refuse_probabilities("the door", rows, lengths)
    probs[2] = 5.0
    with pytest.raises(LossError, match="probabilities already"):
        refuse_probabilities("the door", probs, lengths)
    for rows in (probs.log(), probs * 3, probs - 0.2, torch.full_like(probs, math.nan), probs[..., :1], probs[:, :0]):
        refuse_probabilities("the door", rows, lengths)
    refuse_probabilities("the door", probs, torch.zeros(3).long())


def test_rows_that_are_not_normalised_are_named():
    lengths, lp = torch.tensor([4, 3]), torch.randn(2, 4, 5).log_softmax(-1)
    check_log_probs("the door", lp, lengths)
    lp[1, 3] += 9
    check_log_probs("the door", lp, lengths)
    lp[1, 2] += 0.002
    with pytest.raises(LossError, match=r"^the door: utterance 1, frame 2: the row's logsumexp is 0.002; expected"):
        check_log_probs("the door", lp, lengths)
    lp[1, 1] = -math.inf  # no symbol is possible
    with pytest.raises(LossError, match="utterance 1, frame 1: the row's logsumexp is -inf"):
        check_log_probs("the door", lp, lengths)


def test_rows_that_are_no_distribution_are_named():
    lengths, probs = torch.tensor([4, 3]), torch.randn(2, 4, 5).softmax(-1)
    check_probs("the door", probs, lengths)
    probs[1, 2] *= 1.5
    with pytest.raises(LossError, match=r"^the door: utterance 1, frame 2: the row's sum is 1.5; expected"):
        check_probs("the door", probs, lengths)
    probs[0, 3, :2] += torch.tensor([2.0, -2.0])
    with pytest.raises(LossError, match="utterance 0, frame 3: the row's lowest value is -"):
        check_probs("the door", probs, lengths)
