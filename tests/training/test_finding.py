"""The range test and the search for a batch, on made-up losses and memories."""

import math

import pytest

from asr.training.finding import Size, best_rate, best_size, grow, range_test, rising


def test_rates_rise_by_one_factor() -> None:
    rates = rising(1e-5, 1.0, 6)
    assert rates == pytest.approx([1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0])


def curve(rate: float) -> float:
    """Flat, falling from 1e-4 on, up again beyond 1e-1."""
    return 6.0 - 4.0 / (1.0 + (3e-3 / rate) ** 1.5) + 50.0 * max(0.0, rate - 0.1)


def test_the_suggestion_is_below_the_lowest_loss_and_above_where_it_begins_to_fall() -> None:
    rates = rising(1e-6, 1.0, 120)
    trials = list(range_test(rates, map(curve, rates)))
    best = best_rate(trials)
    assert best is not None and 3e-3 < best < 3e-2
    assert len(trials) < 120, "it ends when the loss has come back up"


def test_a_loss_that_is_not_finite_ends_the_test_and_one_that_never_falls_suggests_nothing() -> None:
    rates = rising(1e-6, 1.0, 60)
    assert len(list(range_test(rates, [2.0] * 30 + [math.nan] * 30))) == 30
    assert best_rate(list(range_test(rates, [2.0] * 60))) is None and best_rate([]) is None


def hungry(bytes_of_memory: float, tried: list[float]):
    """A machine with 100 bytes in use, 2 a second of a batch, and a pace that levels off at 8 s."""

    def try_size(seconds: float) -> Size | None:
        tried.append(seconds)
        if 100 + 2 * seconds > bytes_of_memory:
            return None
        return Size(seconds, 100 + 2 * seconds, min(seconds, 8.0))

    return try_size


def test_sizes_double_and_close_in_on_what_does_not_fit() -> None:
    tried: list[float] = []
    sizes = list(grow(hungry(300, tried), 1.0, 1e9, 100, math.inf))
    assert [size.seconds for size in sizes] == [1, 2, 4, 8, 16, 32, 64, 96]
    assert tried[-4:] == [128, 96, 112, 104], "three more, each halving what is unknown"


def test_what_would_not_fit_is_foreseen_and_not_tried() -> None:
    tried: list[float] = []
    sizes = list(grow(hungry(math.inf, tried), 1.0, 1e9, 100, 300))
    assert max(tried) == max(size.seconds for size in sizes) == 96
    assert max(size.memory for size in sizes) <= 300


def test_the_whole_corpus_is_the_end_and_nothing_may_fit() -> None:
    assert [s.seconds for s in grow(hungry(math.inf, []), 1.0, 6.0, 100, math.inf)] == [1, 2, 4, 6]
    assert list(grow(hungry(50, []), 1.0, 6.0, 100, math.inf)) == []


def test_the_suggested_size_is_the_smallest_nearly_as_fast_as_the_fastest() -> None:
    paces = {1.0: 10, 2.0: 50, 4.0: 96, 8.0: 100, 16.0: 99}
    best = best_size([Size(seconds, 0, pace) for seconds, pace in paces.items()])
    assert best is not None and best.seconds == 4.0 and best_size([]) is None


def test_an_epoch_keeps_some_steps() -> None:
    sizes = [Size(seconds, 0, pace) for seconds, pace in {1.0: 10, 2.0: 50, 4.0: 96, 8.0: 100}.items()]
    assert [best_size(sizes, corpus).seconds for corpus in (1e9, 80.0, 39.0, 25.0, 2.0)] == [4.0, 4.0, 2.0, 2.0, 1.0]
