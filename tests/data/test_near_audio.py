"""Copies among many recordings, against comparing every two at every shift."""

from itertools import combinations

import numpy as np
import pytest

from asr.audio.fingerprint import NEAR, compare
from asr.data import near_audio
from asr.data.near_audio import near_recordings


def random_codes(seed: int, rows: int) -> np.ndarray:
    """Codes that stay for some rows, as smoothed ones do."""
    rng = np.random.default_rng(seed)
    return np.repeat(rng.integers(1, 1 << 16, rows // 4 + 1), 4)[:rows].astype(np.uint16)


def flipped(codes: np.ndarray, share: float, seed: int = 0) -> np.ndarray:
    """The codes with so many of their bits turned."""
    rng = np.random.default_rng(seed)
    turned = (rng.random((len(codes), 16)) < share) @ (1 << np.arange(16))
    return np.maximum(codes ^ turned.astype(np.uint16), 1)


def brute_force(codes: list[np.ndarray]) -> set[tuple[int, int]]:
    found = set()
    for a, b in combinations(range(len(codes)), 2):
        shifts = range(-len(codes[b]) + 1, len(codes[a]))
        matches = [m for shift in shifts if (m := compare(codes[a], codes[b], shift)) is not None]
        if any(m.difference <= NEAR and m.of_shorter >= 0.8 for m in matches):
            found.add((a, b))
    return found


def test_as_comparing_everything_with_everything() -> None:
    codes = [random_codes(seed, 150 + 10 * seed) for seed in range(8)]
    codes += [codes[2][30:], flipped(codes[5], 0.05), codes[7][:90], np.r_[np.zeros(40, np.uint16), codes[0]]]
    assert {p[:2] for p in near_recordings(codes)} == brute_force(codes) == {(2, 8), (5, 9), (7, 10), (0, 11)}


def test_the_difference_is_told() -> None:
    codes = random_codes(1, 400)
    (pair,) = near_recordings([codes, flipped(codes, 0.08)])
    assert pair.match.difference == pytest.approx(0.08, abs=0.01)
    assert pair.match.of_shorter == pytest.approx(1, abs=0.01)
    assert near_recordings([codes, flipped(codes, 0.5)]) == []


def test_recordings_that_share_a_little_are_not_the_same() -> None:
    a, b = random_codes(1, 200), random_codes(2, 200)
    for share, same in ((80, []), (190, [(0, 1)])):  # the end of one is the beginning of the other
        codes = [a, np.r_[a[-share:], b[: 200 - share]]]
        assert [p[:2] for p in near_recordings(codes)] == same == sorted(brute_force(codes))


def test_of_many_copies_each_is_paired() -> None:
    codes = [random_codes(3, 200)] * 30
    paired = near_recordings(codes)
    assert len(paired) < 100 and {i for p in paired for i in p[:2]} == set(range(30))


def test_silence_and_nothing() -> None:
    silent = np.zeros(500, np.uint16)
    assert near_recordings([silent, silent, random_codes(1, 10), random_codes(1, 10)]) == []
    assert near_recordings([]) == []
    words, _, rows = near_audio._words([np.r_[silent, random_codes(1, 100)]])
    assert len(words) == 80 and rows.min() == 500, "nothing is looked up that is silence at either end"


def test_a_corpus_too_large_is_sampled(monkeypatch: pytest.MonkeyPatch) -> None:
    codes = [random_codes(seed, 400) for seed in range(6)]
    codes += [flipped(code[17:], 0.01) for code in codes]
    wanted = {(i, i + 6) for i in range(6)}
    assert {p[:2] for p in near_recordings(codes)} == wanted
    monkeypatch.setattr(near_audio, "_MOST", 600)
    words, _, _ = near_audio._words(codes)
    assert 0 < len(words) < 900
    assert {p[:2] for p in near_recordings(codes)} == wanted
