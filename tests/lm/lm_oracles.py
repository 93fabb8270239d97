"""Brute force for n-gram models: dictionaries, definitions word for word, no cleverness."""

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np

from asr.lm.tables import BEGIN, END, UNKNOWN, Grams, Tables

Gram = tuple[str, ...]
Model = dict[Gram, tuple[float, float]]  # n-gram → ln P of its last word, ln back-off weight


def as_dict(tables: Tables) -> Model:
    """The n-grams of tables by their words."""
    return {
        tuple(tables.words[i] for i in row): (float(p), float(b))
        for grams in tables.orders
        for row, p, b in zip(grams.words, grams.log_probs, grams.backoffs, strict=True)
    }


def as_tables(model: Model) -> Tables:
    """Tables of a dictionary, the words in its order."""
    words = [gram[0] for gram in model if len(gram) == 1]
    orders = []
    for k in range(1, max(map(len, model)) + 1):
        grams = [gram for gram in model if len(gram) == k]
        rows = np.array([[words.index(word) for word in gram] for gram in grams], np.int32).reshape(-1, k)
        values = np.array([model[gram] for gram in grams]).reshape(-1, 2)
        orders.append(Grams(rows, values[:, 0].copy(), values[:, 1].copy()))
    return Tables(tuple(words), tuple(orders))


def back_off(model: Model, context: Gram, word: str) -> float:
    """ln P(word | context), Katz's recursion."""
    if (*context, word) in model:
        return model[(*context, word)][0]
    return model.get(context, (0.0, 0.0))[1] + back_off(model, context[1:], word)


def sums(tables: Tables) -> dict[Gram, float]:
    """What the probabilities of all words but <s> add up to after each n-gram as a context, and after none."""
    model = as_dict(tables)
    words = [word for word in tables.words if word != BEGIN]
    contexts = [(), *(gram for gram in model if len(gram) < len(tables.orders) and gram[-1] != END)]
    return {context: sum(math.exp(back_off(model, context, word)) for word in words) for context in contexts}


def kneser_ney(
    sentences: Sequence[Sequence[str]], order: int, thresholds: Sequence[int], vocabulary: Sequence[str] = ()
) -> Model:
    """The interpolated modified Kneser–Ney model (Chen & Goodman 1999), KenLM's discounts where they are undefined."""
    words = [UNKNOWN, BEGIN, END, *vocabulary]
    said = [[w if not vocabulary or w in vocabulary else UNKNOWN for w in sentence] for sentence in sentences]
    for sentence in said:
        words += [w for w in dict.fromkeys(sentence) if w not in words]
    raw: Counter[Gram] = Counter()
    for sentence in said:
        padded = [BEGIN, *sentence, END]
        for end in range(1, len(padded)):
            for begin in range(max(0, end + 1 - order), end + 1):
                raw[tuple(padded[begin : end + 1])] += 1
    adjusted = {
        gram: count if len(gram) == order or gram[0] == BEGIN else sum(longer[1:] == gram for longer in raw)
        for gram, count in raw.items()
    }
    discounts = [_discounts(_counts_of_counts(raw, adjusted, k, order, words)) for k in range(1, order + 1)]

    def spared(context: Gram) -> float:
        total = mass = 0.0
        for gram, count in adjusted.items():
            if gram[:-1] == context:
                total += count
                pruned = raw[gram] <= thresholds[len(gram) - 1]
                mass += count if pruned else discounts[len(gram) - 1][min(count, 3)]
        return mass / total if total else 1.0

    def prob(gram: Gram) -> float:
        context, k = gram[:-1], len(gram)
        total = sum(count for other, count in adjusted.items() if other[:-1] == context)
        count = adjusted.get(gram, 0)
        shorter = prob(gram[1:]) if k > 1 else 1.0 / (len(words) - 1)
        return (count - discounts[k - 1][min(count, 3)]) / total + spared(context) * shorter

    kept = [gram for gram in raw if len(gram) > 1 and raw[gram] > thresholds[len(gram) - 1]]
    model = {gram: (math.log(prob(gram)), 0.0) for gram in [*((w,) for w in words if w != BEGIN), *kept]}
    model[(BEGIN,)] = (0.0, 0.0)
    return {gram: (p, math.log(spared(gram)) if len(gram) < order else 0.0) for gram, (p, _) in model.items()}


def _counts_of_counts(
    raw: dict[Gram, int], adjusted: dict[Gram, int], k: int, order: int, words: list[str]
) -> Counter[int]:
    """How many n-grams of k words have each adjusted count; of KenLM's very last n-gram, its raw count."""
    full = [((BEGIN,) * order + gram)[-order:] for gram in raw if len(gram) == order or gram[0] == BEGIN]
    last = max(full, key=lambda gram: [words.index(word) for word in reversed(gram)])
    counts = {gram: count for gram, count in adjusted.items() if len(gram) == k}
    if last[-k:] in counts:
        counts[last[-k:]] = raw[last[-k:]]
    return Counter(counts.values())


def _discounts(n: Counter[int]) -> tuple[float, ...]:
    if n[1] and n[2] and n[3]:
        y = n[1] / (n[1] + 2 * n[2])
        found = [j - (j + 1) * y * n[j + 1] / n[j] for j in (1, 2, 3)]
        if all(0 <= discount <= j for j, discount in enumerate(found, 1)):
            return (0.0, *found)
    return (0.0, 0.5, 1.0, 1.5)
