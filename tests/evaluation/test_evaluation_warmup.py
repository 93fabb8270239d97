"""After a warm-up nothing is compiled any more."""

from asr.evaluation.errors import align_characters, align_words, character_errors, word_errors
from asr.evaluation.kernels.alignment import cost, path
from asr.evaluation.kernels.bootstrap import resample
from asr.evaluation.significance import difference, interval
from asr.evaluation.warmup import warm_up


def test_nothing_is_compiled_after_it() -> None:
    warm_up()
    kernels = [kernel.dispatcher for kernel in (cost, path, resample)]
    before = [len(kernel.signatures) for kernel in kernels]
    assert before == [1, 1, 1]
    for count in (word_errors, character_errors, align_words, align_characters):
        count("a b", "b c d")
        count("", "b")
    interval([0, 1, 2, 1, 0], [2] * 5, list("abcde"))
    difference([1, 0, 0, 1, 1], [0] * 5, [2, 3, 2, 3, 2], [(1, 0)], list("abcde"))
    assert [len(kernel.signatures) for kernel in kernels] == before
