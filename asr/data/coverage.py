"""How many of the words that are said somebody knows: training, a lexicon, a language model."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

_SHOWN = 12  # unknown words


@dataclass(frozen=True, slots=True)
class Coverage:
    """The words of a manifest: running and different ones, the share of the running ones outside each vocabulary (by
    its name), a language model's perplexity (None without), and the commonest words that some vocabulary lacks."""

    name: str
    words: int
    different: int
    outside: Mapping[str, float]
    perplexity: float | None
    unknown: tuple[str, ...]


def coverage(
    texts: Mapping[str, Sequence[str]],
    vocabularies: Mapping[str, Collection[str]],
    perplexity: Callable[[Sequence[str]], float] | None = None,
) -> list[Coverage]:
    """Of normalised texts (manifest → texts), by what each of the vocabularies (name → words) knows."""
    found = []
    for name, said in texts.items():
        counts = Counter(word for text in said for word in text.split())
        missing = {of: [w for w in counts if w not in known] for of, known in vocabularies.items()}
        total = counts.total()
        unknown = sorted({w for words in missing.values() for w in words}, key=lambda w: (-counts[w], w))
        found.append(
            Coverage(
                name,
                total,
                len(counts),
                {of: sum(counts[w] for w in words) / max(1, total) for of, words in missing.items()},
                None if perplexity is None else perplexity(said),
                tuple(unknown[:_SHOWN]),
            )
        )
    return found
