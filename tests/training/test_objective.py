"""The objectives: each loss again by hand, what they remember, and a tiny model that learns tones with each."""

import json
from functools import partial
from pathlib import Path

import pytest
import torch
from tones import tiny_tree, write_corpus
from torch import Tensor, nn

from asr import seeding
from asr.build import build_system, build_trainer, make_objective, read_training_data
from asr.config import config_from_tree
from asr.ctc.loss import ctc_loss
from asr.ctc.prior import label_prior_loss, posterior_sum
from asr.features.specaugment import SpecAugment, draw_warps
from asr.runs import run_training
from asr.training.objective import ConsistencyCTC, LabelPriorCTC, Objective, consistency
from asr.training.options import CrCtcOptions, LabelPriorOptions
from asr.types import Batch
from asr.world import World

ALONE = World(0, 1, torch.device("cpu"))
KINDS = {
    "ctc": {"kind": "ctc"},
    "label_prior": {"kind": "label_prior", "scale": 0.5, "decay": 0.9},
    "blank prior": {"kind": "label_prior", "scale": 0.5, "decay": 0.9, "prior": "blank"},
    "cr_ctc": {"kind": "cr_ctc"},
}


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def batch() -> Batch:
    """Four utterances of eight, six, four and eight frames; the targets of the third do not fit."""
    targets = torch.tensor([[1, 2, 2], [3, 1, 0], [1, 1, 1], [2, 0, 0]])
    lengths = torch.tensor([8, 6, 4, 8])
    return Batch((0, 1, 2, 3), tuple("abcd"), torch.zeros(4, 8), lengths, targets, torch.tensor([3, 2, 3, 1]))


FEASIBLE = torch.tensor([True, True, False, True])


def views(*features: Tensor):
    """A view → features and the lengths of `batch()`; a model that takes features for logits."""
    return lambda number: (features[number], batch().waveform_lengths)


def identity(features: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
    return features, lengths


def plain(logits: Tensor) -> Tensor:
    return ctc_loss(logits, batch().targets, batch().waveform_lengths, batch().target_lengths)


def test_plain_is_the_loss_of_the_logits() -> None:
    logits = random(4, 8, 5)
    found = Objective()(batch(), views(logits), identity)
    assert torch.equal(found.losses, plain(logits)) and found.logits is logits
    assert found.lengths.tolist() == [8, 6, 4, 8]


# ── the label prior ───────────────────────────────────────────────────────────────────────────────────────────────────


def label_prior(**options) -> LabelPriorCTC:
    return LabelPriorCTC(LabelPriorOptions(**options), 5)


def test_the_prior_begins_uniform_and_moves_by_the_mean_posterior() -> None:
    objective, logits, lengths = label_prior(decay=0.8), random(4, 8, 5) * 2, torch.tensor([8, 6, 0, 8])
    assert objective.prior.tolist() == [0.2] * 5
    objective(batch(), views(logits), identity)
    assert objective.prior.tolist() == [0.2] * 5  # looking changes nothing
    objective.note(logits, lengths)
    assert objective.prior.tolist() == [0.2] * 5
    objective.end_step(ALONE, True)
    mean = torch.cat([logits[b, :n].softmax(-1) for b, n in enumerate(lengths)]).double().mean(0)
    torch.testing.assert_close(objective.prior, 0.8 * 0.2 + 0.2 * mean)
    found = objective(batch(), views(logits), identity).losses
    b = batch()
    wanted = label_prior_loss(logits, b.targets, b.waveform_lengths, b.target_lengths, objective.prior, 0.3)
    assert torch.equal(found, wanted) and not torch.equal(found, plain(logits))


def test_batches_of_a_step_count_by_their_frames() -> None:
    whole, parts = label_prior(decay=0.5), label_prior(decay=0.5)
    logits, lengths = random(4, 8, 5), torch.tensor([8, 6, 1, 8])
    whole.note(logits, lengths)
    parts.note(logits[:3], lengths[:3])
    parts.note(logits[3:], lengths[3:])
    for objective in (whole, parts):
        objective.end_step(ALONE, True)
    torch.testing.assert_close(parts.prior, whole.prior)
    assert float(whole.prior.sum()) == pytest.approx(1)


def test_a_step_thrown_away_or_empty_leaves_the_prior() -> None:
    objective = label_prior(decay=0.5)
    for logits in (torch.full((1, 3, 5), torch.nan), random(1, 3, 5)):
        objective.note(logits, torch.tensor([3]))
        objective.end_step(ALONE, False)
    objective.end_step(ALONE, True)
    objective.note(random(1, 3, 5), torch.tensor([0]))
    objective.end_step(ALONE, True)
    assert objective.prior.tolist() == [0.2] * 5


def test_the_prior_survives_in_the_state() -> None:
    one, other = label_prior(), label_prior()
    one.note(random(4, 8, 5), batch().waveform_lengths)
    one.end_step(ALONE, True)
    other.load_state_dict(one.state_dict())
    assert torch.equal(one.prior, other.prior) and list(one.state_dict()) == ["prior"]
    assert not Objective().state_dict() and not ConsistencyCTC(CrCtcOptions()).state_dict()


def test_the_trainer_moves_the_prior_by_what_it_learned_from(tmp_path: Path) -> None:
    """One step of a real trainer; the utterance that does not fit is not in the prior, nor is the probe's batch."""
    write_corpus(tmp_path, train=3, dev=2)
    tree = tiny_tree(tmp_path, epochs=1)
    tree["model"]["dropout"], tree["data"]["batch_seconds"] = 0.0, 20.0
    tree["loss"] = KINDS["label_prior"]
    config = config_from_tree(tree)
    data = read_training_data(config, print)
    data.train_targets[1] = [1] * 60
    system = build_system(config, data.tokenizer, ALONE.device)
    trainer = build_trainer(system, data, tmp_path / "run", ALONE)
    trainer._probe_longest()
    assert len(set(trainer.objective.prior.tolist())) == 1
    (only,) = trainer.load(trainer.sampler.plan(0, 0, 1))
    before = {k: v.clone() for k, v in system.model.state_dict().items()}
    with torch.no_grad():
        logits, lengths = system.model(*trainer.front_end(only, 0, 0))
    system.model.load_state_dict(before)
    seen = posterior_sum(logits, lengths * torch.tensor([i != 1 for i in only.indices]))
    trainer._clock = 0.0
    trainer._step(iter([only]))
    expected = 0.9 / len(seen) + 0.1 * seen / seen.sum()
    torch.testing.assert_close(trainer.objective.prior, expected, rtol=1e-5, atol=1e-7)
    assert trainer.state.infeasible == ["train-1"]


# ── consistency ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_equal_views_are_plain_ctc() -> None:
    logits = random(4, 8, 5)
    found = ConsistencyCTC(CrCtcOptions(alpha=3.0))(batch(), views(logits, logits), identity)
    assert torch.equal(found.losses, plain(logits)) and found.logits.shape == (4, 8, 5)
    assert not consistency(logits, logits, batch().waveform_lengths).any()


def test_two_views_by_hand() -> None:
    one, other, lengths = random(4, 8, 5), random(4, 8, 5, seed=1), batch().waveform_lengths
    divergences = []
    for b, n in enumerate(lengths.tolist()):
        p, q = (torch.distributions.Categorical(logits=x[b, :n].double()) for x in (one, other))
        both = torch.distributions.kl_divergence(p, q) + torch.distributions.kl_divergence(q, p)
        divergences.append(0.5 * float(both.sum()))
    wanted = torch.tensor(divergences)
    torch.testing.assert_close(consistency(one, other, lengths), wanted)
    found = ConsistencyCTC(CrCtcOptions(alpha=0.4))(batch(), views(one, other), identity)
    torch.testing.assert_close(found.losses, 0.5 * (plain(one) + plain(other)) + 0.4 * wanted)
    assert torch.equal(found.logits, one) and found.lengths.tolist() == lengths.tolist()
    assert torch.isposinf(found.losses).tolist() == (~FEASIBLE).tolist()


def test_each_view_learns_towards_the_other_as_it_is() -> None:
    """The gradient of KL(q ‖ softmax(x)) by x is softmax(x) - q, where q does not move."""
    one, other = random(2, 3, 5).requires_grad_(), random(2, 3, 5, seed=1).requires_grad_()
    lengths = torch.tensor([3, 2])
    consistency(one, other, lengths).sum().backward()
    valid = (torch.arange(3) < lengths[:, None])[:, :, None]
    difference = (0.5 * (one.softmax(-1) - other.softmax(-1)) * valid).detach()
    torch.testing.assert_close(one.grad, difference)
    torch.testing.assert_close(other.grad, -difference)


def test_masked_tokens_padding_and_the_infeasible_are_harmless() -> None:
    one, other = random(4, 8, 5), random(4, 8, 5, seed=1)
    for logits in (one, other):
        logits[0, :, 4] = -torch.inf
        logits[1, 6:] = torch.nan
        logits.requires_grad_()
    losses = ConsistencyCTC(CrCtcOptions())(batch(), views(one, other), identity).losses
    assert torch.isfinite(losses[FEASIBLE]).all() and torch.isposinf(losses[2])
    losses.sum().backward()
    for logits in (one, other):
        assert not logits.grad.isnan().any() and not logits.grad[2].any() and not logits.grad[1, 6:].any()
        assert logits.grad[0].any()


def test_both_views_pass_the_model_at_once() -> None:
    class Counting(nn.BatchNorm1d):
        def forward(self, features: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
            return super().forward(features.flatten(0, 1)).view_as(features), lengths

    model = Counting(5)
    ConsistencyCTC(CrCtcOptions())(batch(), views(random(4, 8, 5), random(4, 8, 5, seed=1)), model)
    assert int(model.num_batches_tracked) == 1


def test_the_first_view_is_the_only_one_of_others_and_the_second_its_own(tmp_path: Path) -> None:
    write_corpus(tmp_path, train=6, dev=2)
    tree = tiny_tree(tmp_path)
    tree["augment"] = {"time_masks": 2, "time_width": 9, "freq_masks": 1, "freq_width": 6, "vtlp": 0.1}
    config = config_from_tree(tree)
    data = read_training_data(config, print)
    system = build_system(config, data.tokenizer, ALONE.device)
    trainer = build_trainer(system, data, tmp_path / "run", ALONE)
    some = next(trainer.load(trainer.sampler.plan(3, 0, 4)))
    view = partial(trainer.front_end, some, 3)
    rngs = [seeding.generator(config.seed, 3, index, 2) for index in some.indices]
    warps = draw_warps(config.augment, rngs)
    features, lengths = system.features(some.waveforms, some.waveform_lengths, warps)
    assert torch.equal(view(0)[0], SpecAugment(config.augment)(features, lengths, rngs))
    assert torch.equal(view(1)[0], view(1)[0]) and torch.equal(view(0)[1], view(1)[1])
    for row in range(len(some.ids)):
        assert not torch.equal(view(0)[0][row], view(1)[0][row])
    assert not torch.equal(view(1)[0], trainer.front_end(some, 4, 1)[0])


# ── learning ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", KINDS)
def test_a_tiny_model_learns_tones(name: str, tmp_path: Path) -> None:
    write_corpus(tmp_path, train=12, dev=4)
    tree = tiny_tree(tmp_path, epochs=60, validate_every=60)
    tree["loss"] = KINDS[name]
    tree["augment"] = {"time_masks": 1, "time_width": 5, "freq_masks": 1, "freq_width": 3}
    assert run_training(config_from_tree(tree), tmp_path / "run", False, lambda line: None)
    log = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    validation = [row for row in log if row["kind"] == "validation"][-1]
    assert validation["loss"] < 0.3 and validation["wer"] == 0


def test_the_options_choose(tmp_path: Path) -> None:
    tree = tiny_tree(tmp_path)
    made = [make_objective(config_from_tree(tree | {"loss": options}), 5) for options in KINDS.values()]
    assert [type(objective) for objective in made] == [Objective, LabelPriorCTC, LabelPriorCTC, ConsistencyCTC]
    assert made[1].prior.shape == (5,) and made[3].alpha == 0.2
