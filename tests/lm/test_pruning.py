"""Entropy pruning against its definition, and what is left as a model."""

import math
from pathlib import Path

import numpy as np
import pytest
from lm_oracles import Model, as_dict, as_tables, back_off, sums
from test_estimate import built, sentences

from asr.errors import LanguageModelError
from asr.lm.estimate import Recipe
from asr.lm.pruning import normalise, prune_entropy
from asr.lm.tables import Tables


def divergence(model: Model, words: list[str], gram: tuple[str, ...]) -> float:
    """P(h) Σ_w P(w | h) ln(P(w | h) / P'(w | h)) over all words, P' without the n-gram and with a new weight."""
    context = gram[:-1]
    without = {g: v for g, v in model.items() if g != gram}
    explicit = [w for w in words if (*context, w) in without]
    left = 1 - sum(math.exp(back_off(model, context, w)) for w in explicit)
    below = 1 - sum(math.exp(back_off(model, context[1:], w)) for w in explicit)
    without[context] = (model[context][0], math.log(left / below))
    history = sum(back_off(model, context[:i], context[i]) for i in range(len(context)))
    if context[0] == "<s>":
        history += model[("</s>",)][0] - model[("<s>",)][0]
    ratios = [
        math.exp(back_off(model, context, w)) * (back_off(model, context, w) - back_off(without, context, w))
        for w in words
    ]
    return math.exp(history) * sum(ratios)


@pytest.fixture
def model(tmp_path: Path) -> Tables:
    return built(tmp_path, sentences(4, 80), Recipe(3, discount_fallback=True))


@pytest.mark.parametrize("threshold", [0.0, 1e-4, 1e-3, 1e-2])
def test_prunes_what_changes_the_model_least(model: Tables, threshold: float) -> None:
    full, words = as_dict(model), [w for w in model.words if w != "<s>"]
    after = as_dict(prune_entropy(model, threshold))
    for gram in full:
        if len(gram) > 1:
            needed = any(other[:-1] == gram for other in after)
            change = math.expm1(divergence(full, words, gram))
            if abs(change - threshold) > 1e-7:
                assert (gram in after) == (needed or change > threshold), gram
    assert all(after[gram][0] == full[gram][0] for gram in after)
    assert threshold == 0.0 or len(after) < len(full)


@pytest.mark.parametrize("threshold", [1e-4, 1e-3, 1e-2])
def test_what_is_left_sums_to_one(model: Tables, threshold: float) -> None:
    pruned = prune_entropy(model, threshold)
    assert max(abs(total - 1) for total in sums(pruned).values()) < 2e-6


def test_orders_without_n_grams_go(model: Tables) -> None:
    pruned = prune_entropy(model, 1e9)
    assert len(pruned.orders) == 1 and pruned.words == model.words
    assert not pruned.orders[0].backoffs.any()


def test_normalises_weights_that_were_wrong(model: Tables) -> None:
    wrong = as_tables({gram: (p, b + 0.1 * (len(gram) < 3)) for gram, (p, b) in as_dict(model).items()})
    assert max(abs(total - 1) for total in sums(wrong).values()) > 1e-3
    right = normalise(wrong)
    assert max(abs(total - 1) for total in sums(right).values()) < 2e-6
    assert all(np.isfinite(grams.backoffs).all() for grams in right.orders)


@pytest.mark.parametrize("threshold", [-1.0, math.nan])
def test_thresholds_below_zero_are_refused(model: Tables, threshold: float) -> None:
    with pytest.raises(LanguageModelError, match="--threshold"):
        prune_entropy(model, threshold)
