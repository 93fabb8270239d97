"""Beam search beside other CPU decoders on the same emissions: CPU time, real-time factor and word error rate.

    python scripts/bench_beam.py [--json FILE] [--utterances 100] [--beams 16 50 100 500] [--threads 1]

Reads the decoder bench (texts, language models, the simulator of emissions) from ASR_SHARED_DATA/../bench/decoder.
Peers are measured where they are installed: flashlight-text, fast-ctc-decode, pyctcdecode. Rounds alternate between
ours and the peer; a figure is the best round. `identical` pruning: the same beam, tokens and threshold on both sides,
and none that the peer lacks, nor our look-ahead; `own`: each its defaults, and our weights tuned (on
the first 100 utterances; the bench has 300).
"""

import argparse
import importlib.util
import json
import math
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import jiwer
import numpy as np
import torch

from asr.decoding.beam import BeamDecoder
from asr.decoding.options import DecodingOptions
from asr.decoding.units import Units, text_units
from asr.lm.ngram import NGram

FRAME = 0.02  # s
TOP, THRESHOLD = 29, 15.0  # of identical pruning
WEIGHTS = {"none": (0.0, 0.0, 0.0), "char": (0.8, 0.0, 0.0), "word": (0.8, 2.5, 0.5)}  # alpha, beta, insertion
Decode = Callable[[list[np.ndarray]], list[str]]


class Bench:
    """The texts, emissions and language models, and ours in every setting."""

    def __init__(self, folder: Path, count: int) -> None:
        sys.path.insert(0, str(folder))
        import simulate  # type: ignore[import-not-found]

        self.folder, self.simulate = folder, simulate
        self.references = simulate.texts(count)
        self.emissions = [np.ascontiguousarray(e, np.float32) for e in simulate.chars_emissions(count)]
        self.tokens = ["", " ", *simulate.CH[2:]]
        self.units: Units = text_units(self.tokens)
        self.words = (folder / "words.txt").read_text().split()
        self.models = {"char": NGram.read(folder / "char6.arpa.gz"), "word": NGram.read(folder / "word3.arpa.gz")}

    @property
    def seconds(self) -> float:
        """Audio in the bench."""
        return sum(map(len, self.emissions)) * FRAME

    def wer(self, texts: list[str]) -> float:
        """Word error rate in percent."""
        return 100 * jiwer.wer(self.references, texts)

    def ours(self, lm: str, beam: int, identical: bool, insertion: float = 0.0) -> Decode:
        """Our decoder over `lm`."""
        alpha, beta, _ = WEIGHTS[lm]
        pruning = {"top_tokens": TOP, "token_threshold": 1e9, "beam_threshold": THRESHOLD} if identical else {}
        if identical:
            pruning |= {"look_ahead": "unigram"}
        options = DecodingOptions(
            kind="beam", beam_width=beam, alpha=alpha, beta=beta, insertion=insertion, unknown="forbid", **pruning
        )
        decoder = BeamDecoder(options, self.units, self.models.get(lm), self.words if lm == "word" else None)
        return lambda rows: [self.text(found[0].tokens) for found in decoder.search(rows)]

    def text(self, ids: tuple[int, ...]) -> str:
        """The words of token ids."""
        return " ".join("".join(self.tokens[i] for i in ids).split())


# ── peers ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def flashlight(bench: Bench, lm: str, beam: int, identical: bool) -> Decode:
    """flashlight-text: its language model weight counts log10; a word needs a separator behind it to be heard."""
    from flashlight.lib.text import decoder as fl  # type: ignore[import-not-found]
    from flashlight.lib.text.dictionary import Dictionary  # type: ignore[import-not-found]

    alpha, beta, _ = WEIGHTS[lm]
    shape = {
        "beam_size": beam, "beam_size_token": TOP, "beam_threshold": THRESHOLD if identical else 50.0,
        "lm_weight": alpha * math.log(10), "sil_score": 0.0, "log_add": True, "criterion_type": fl.CriterionType.CTC,
    }  # fmt: skip
    if lm != "word":
        dictionary = Dictionary()
        for i, token in enumerate(bench.tokens):
            dictionary.add_entry({"": "<blank>", " ": "|"}.get(token, token), i)
        model = fl.ZeroLM() if lm == "none" else fl.KenLM(unpacked(bench.folder / "char6.arpa.gz"), dictionary)
        free = fl.LexiconFreeDecoder(fl.LexiconFreeDecoderOptions(**shape), model, 1, 0, [])
        return lambda rows: [bench.text(ids(free.decode(row.ctypes.data, *row.shape)[0].tokens)) for row in rows]
    words = Dictionary()
    for word in [*bench.words, "<unk>"]:
        words.add_entry(word)
    model = fl.KenLM(unpacked(bench.folder / "word3.arpa.gz"), words)
    trie, start = fl.Trie(len(bench.tokens), 1), model.start(False)
    for word in bench.words:
        index = words.get_index(word)
        trie.insert([bench.tokens.index(c) for c in word] + [1], index, model.score(start, index)[1])
    trie.smear(fl.SmearingMode.MAX)
    options = fl.LexiconDecoderOptions(word_score=beta, unk_score=-math.inf, **shape)
    decoder = fl.LexiconDecoder(options, trie, model, 1, 0, words.get_index("<unk>"), [], False)

    def decode(rows: list[np.ndarray]) -> list[str]:
        found = []
        for row in rows:
            row = np.vstack([row, separator_row(row.shape[1])])
            best = decoder.decode(row.ctypes.data, *row.shape)[0].words
            found.append(" ".join(words.get_entry(i) for i in best if i >= 0))
        return found

    return decode


def ids(path: list[int]) -> tuple[int, ...]:
    """A path of tokens collapsed."""
    return tuple(t for i, t in enumerate(path) if t > 0 and (i == 0 or path[i - 1] != t))


def separator_row(tokens: int) -> np.ndarray:
    """A frame that says the separator."""
    row = np.full((1, tokens), -20.0, np.float32)
    row[0, 1] = 0.0
    return row


def unpacked(path: Path) -> str:
    """An .arpa.gz as the .arpa that KenLM maps into memory."""
    import gzip
    import tempfile

    to = Path(tempfile.gettempdir()) / f"bench-beam-{path.stem}"
    if not to.exists():
        to.write_bytes(gzip.decompress(path.read_bytes()))
    return str(to)


def fast_ctc_decode(bench: Bench, lm: str, beam: int, identical: bool) -> Decode:
    """fast-ctc-decode takes probabilities and cuts tokens off at an absolute one; it has no language model."""
    from fast_ctc_decode import beam_search  # type: ignore[import-not-found]

    alphabet = "".join(["_", *bench.tokens[1:]])
    rows_of = {id(e): np.exp(e) for e in bench.emissions}

    def decode(rows: list[np.ndarray]) -> list[str]:
        found = (beam_search(rows_of[id(row)], alphabet, beam_size=beam, beam_cut_threshold=1e-4)[0] for row in rows)
        return [" ".join(text.split()) for text in found]

    return decode


def pyctcdecode(bench: Bench, lm: str, beam: int, identical: bool) -> Decode:
    """pyctcdecode without a language model (its own needs a compiled kenlm)."""
    from pyctcdecode import build_ctcdecoder  # type: ignore[import-not-found]

    decoder = build_ctcdecoder(bench.tokens)
    return lambda rows: [decoder.decode(row, beam_width=beam) for row in rows]


# module to look for, how to build it, the language models it has, the kinds of pruning that make sense
PEERS = {
    "flashlight-text": ("flashlight", flashlight, ("none", "char", "word"), ("identical", "own")),
    "fast-ctc-decode": ("fast_ctc_decode", fast_ctc_decode, ("none",), ("own",)),
    "pyctcdecode": ("pyctcdecode", pyctcdecode, ("none",), ("own",)),
}


# ── measuring ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def timed(decode: Decode, rows: list[np.ndarray]) -> tuple[float, list[str]]:
    """CPU seconds of one call, and its texts."""
    started = time.process_time()
    texts = decode(rows)
    return time.process_time() - started, texts


def compare(bench: Bench, peer: str, lm: str, beam: int, pruning: str, rounds: int) -> dict[str, object]:
    """One row of the table."""
    theirs = PEERS[peer][1](bench, lm, beam, pruning == "identical")
    ours = bench.ours(lm, beam, pruning == "identical", WEIGHTS[lm][2] if pruning == "own" else 0.0)
    rows = bench.emissions
    ours(rows[:2]), theirs(rows[:2])
    times: tuple[list[float], list[float]] = ([], [])
    heard, peer_heard = [], []
    for _ in range(rounds):
        for decode, into in ((ours, times[0]), (theirs, times[1])):
            seconds, texts = timed(decode, rows)
            into.append(seconds)
            heard, peer_heard = (texts, peer_heard) if decode is ours else (heard, texts)
    best, peer_best = min(times[0]), min(times[1])
    return {
        "lm": lm, "beam": beam, "peer": peer, "pruning": pruning, "ratio": round(peer_best / best, 2),
        "rtfx": round(bench.seconds / best), "peer_rtfx": round(bench.seconds / peer_best),
        "wer": round(bench.wer(heard), 2), "peer_wer": round(bench.wer(peer_heard), 2), "threads": 1,
    }  # fmt: skip


def threads_row(bench: Bench, lm: str, beam: int, threads: int) -> dict[str, object]:
    """Wall time of ours with one thread over that with all."""
    decode, wall = bench.ours(lm, beam, False, WEIGHTS[lm][2]), {1: math.inf, threads: math.inf}
    decode(bench.emissions[:2])
    for _ in range(5):
        for count in wall:
            torch.set_num_threads(count)
            started = time.perf_counter()
            decode(bench.emissions)
            wall[count] = min(wall[count], time.perf_counter() - started)
    torch.set_num_threads(1)
    return {"lm": lm, "beam": beam, "threads": threads, "speedup": round(wall[1] / wall[threads], 2),
            "rtfx": round(bench.seconds / wall[threads])}  # fmt: skip


def main() -> None:
    """Measure every row that can be, print it, write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--utterances", type=int, default=100)
    parser.add_argument("--beams", type=int, nargs="+", default=[16, 50, 100, 500])
    parser.add_argument("--lm", nargs="+", default=["none", "char", "word"], choices=["none", "char", "word"])
    parser.add_argument("--peers", nargs="+", default=list(PEERS), choices=list(PEERS))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    arguments = parser.parse_args()
    data = Path(os.environ.get("ASR_SHARED_DATA", Path(__file__).parents[2] / "shared" / "data"))
    bench = Bench(data.parent / "bench" / "decoder", arguments.utterances)
    torch.set_num_threads(1)
    rows: list[dict[str, object]] = []
    for peer in arguments.peers:
        module, _, models, prunings = PEERS[peer]
        if importlib.util.find_spec(module) is None:
            print(f"{peer}: not installed")
            continue
        for lm in (lm for lm in models if lm in arguments.lm):
            for pruning in prunings:
                for beam in arguments.beams:
                    rows.append(compare(bench, peer, lm, beam, pruning, arguments.rounds if beam < 500 else 1))
                    print(" ".join(f"{k} {v}" for k, v in rows[-1].items()), flush=True)
    for lm in arguments.lm:
        rows.append(threads_row(bench, lm, 100, arguments.threads))
        print(" ".join(f"{k} {v}" for k, v in rows[-1].items()), flush=True)
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
