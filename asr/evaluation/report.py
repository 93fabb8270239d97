"""The report people read: rates and their conditions, where the errors are, the worst utterances aligned.

Errors stand out as in NIST's sclite: capitals, stars where a word is missing, and a line of S, D and I below.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from functools import reduce
from operator import add
from typing import TYPE_CHECKING

from asr.evaluation.errors import ErrorCounts, align_words
from asr.evaluation.figures import percent
from asr.evaluation.intervals import said_interval

if TYPE_CHECKING:
    from asr.evaluation.results import Result, Summary

_MOST_FREQUENT = 10
_WORST = 10
_LINE = 100  # columns of an aligned utterance before it wraps

Pair = tuple[str | None, str | None]


def render_report(results: Sequence["Result"], summary: "Summary") -> str:
    """The report as text: totals, speakers, the most frequent errors, the worst utterances."""
    pairs = [pair for result in results for pair in align_words(result.reference, result.hypothesis)]
    sure = summary.reliability.render() if summary.reliability is not None else ""
    sections = [_totals(summary), _speakers(results), sure, *_frequent(pairs), _worst(results)]
    return "\n\n".join(section for section in sections if section) + "\n"


def _rate(counts: ErrorCounts) -> str:
    return percent(counts.rate)


def _breakdown(counts: ErrorCounts) -> str:
    return f"{counts.substitutions} substituted, {counts.deletions} deleted, {counts.insertions} inserted"


def _totals(summary: "Summary") -> str:
    words, characters, utterances = summary.words, summary.characters, summary.utterances
    wrong = 100 * summary.wrong_utterances / max(1, utterances)
    intervals = {name: said_interval(summary.intervals, name) for name in ("wer", "cer")}
    lines = [
        f"WER  {_rate(words)}   {words.errors} errors in {words.reference_length} words: {_breakdown(words)}",
        f"CER  {_rate(characters)}   {characters.errors} errors in {characters.reference_length} characters: "
        f"{_breakdown(characters)}",
        f"SER  {wrong:.2f} %   {summary.wrong_utterances} of {utterances} utterances hold an error",
        "",
        *(f"{name.upper()}, 95 %      {said}" for name, said in intervals.items() if said),
        f"audio          {summary.audio_seconds:.1f} s, recognised in {summary.seconds:.1f} s: "
        f"{summary.rtfx:.1f} × real time",
        f"normalisation  {summary.normalisation}",
        f"decoder        {summary.decoder}",
        *(f"{name:<13}  {value}" for name, value in summary.extra.items()),
    ]
    return "\n".join(lines)


def _speakers(results: Sequence["Result"]) -> str:
    counts: dict[str, list[ErrorCounts]] = defaultdict(list)
    for result in results:
        counts[result.speaker or "(unknown)"].append(result.words)
    if len(counts) < 2:
        return ""
    totals = sorted(((reduce(add, c), name) for name, c in counts.items()), key=lambda t: (-t[0].rate, t[1]))
    width = max(len("speaker"), *map(len, counts))
    lines = [f"{'speaker':<{width}}  utterances   words       WER     S     D     I"]
    for total, name in totals:
        lines.append(
            f"{name:<{width}}  {len(counts[name]):>10}  {total.reference_length:>6}  {_rate(total):>8}"
            f"  {total.substitutions:>4}  {total.deletions:>4}  {total.insertions:>4}"
        )
    return "\n".join(["By speaker, worst first", *lines])


def _frequent(pairs: Iterable[Pair]) -> list[str]:
    errors = [pair for pair in pairs if pair[0] != pair[1]]
    return [
        _table("Words most often substituted", [f"{r} → {h}" for r, h in errors if r and h]),
        _table("Words most often deleted", [r for r, h in errors if r and not h]),
        _table("Words most often inserted", [h for r, h in errors if h and not r]),
    ]


def _table(title: str, entries: list[str]) -> str:
    ranked = sorted(Counter(entries).items(), key=lambda item: (-item[1], item[0]))[:_MOST_FREQUENT]
    return "\n".join([title, *(f"{count:>6}  {entry}" for entry, count in ranked)]) if ranked else ""


def _worst(results: Sequence["Result"]) -> str:
    wrong = [result for result in results if result.words.errors]
    wrong.sort(key=lambda result: (-result.words.errors, -result.words.rate, result.id))
    blocks = [_utterance(result) for result in wrong[:_WORST]]
    return "\n\n".join(["Utterances with the most errors", *blocks]) if blocks else ""


def _utterance(result: "Result") -> str:
    head = f"{result.id}   WER {_rate(result.words)}   {_breakdown(result.words)}"
    return "\n".join([head, *aligned_lines(align_words(result.reference, result.hypothesis))])


def aligned_lines(pairs: Iterable[Pair]) -> list[str]:
    """REF, HYP and EVA lines in columns, wrapped: capitals and S, D, I at errors, stars for no word."""
    blocks: list[list[list[str]]] = [[["REF:"], ["HYP:"], ["EVA:"]]]
    columns = len("REF:")
    for pair in pairs:
        cells = _cells(*pair)
        if columns + 1 + len(cells[0]) > _LINE:
            blocks.append([["REF:"], ["HYP:"], ["EVA:"]])
            columns = len("REF:")
        columns += 1 + len(cells[0])
        for line, cell in zip(blocks[-1], cells, strict=True):
            line.append(cell)
    return [" ".join(line).rstrip() for block in blocks for line in block]


def _cells(reference: str | None, hypothesis: str | None) -> list[str]:
    """One column: the two words and the kind of error, of one width."""
    if reference == hypothesis:
        cells = [reference or "", hypothesis or "", ""]
    else:
        kind = "I" if reference is None else "D" if hypothesis is None else "S"
        stars = "*" * max(3, len(reference or hypothesis or ""))
        cells = [(reference or stars).upper(), (hypothesis or stars).upper(), kind]
    width = max(map(len, cells))
    return [cell.ljust(width) for cell in cells]
