"""The page about an evaluation: what a manifest, its recordings and the recogniser add to the results."""

import hashlib
import platform
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

import asr
from asr.audio.io import read_audio
from asr.build import System
from asr.config import dump_config
from asr.ctc.align import align
from asr.errors import AsrError
from asr.evaluation.html_report import Background, suspects, write_page
from asr.evaluation.sounds import Sound
from asr.evaluation.texts import read_rows
from asr.evaluation.utterance_picture import draw_utterance
from asr.types import Utterance

_PICTURES = 5
_LONGEST = 30.0  # s that can be told apart in a picture

Emissions = Callable[[Sequence[Tensor]], list[Tensor]]


def write_report(
    system: System, emissions: Emissions, run: Path, manifest: Path, utterances: Sequence[Utterance], folder: Path
) -> Path:
    """Write `folder`/report.html about the results there; → its path.

    `emissions` are the log probabilities (T', V) of waveforms (S,), drawn for the utterances that went worst.
    """
    background = Background(
        sounds={u.id: Sound(u.audio, u.duration, u.offset) for u in utterances},
        fields={u.id: u.extra for u in utterances},
        facts=_facts(system, run, manifest),
        config=dump_config(system.config, whole=False),
        pictures=_pictures(system, emissions, utterances, folder),
    )
    return write_page(folder, background)


def _facts(system: System, run: Path, manifest: Path) -> dict[str, str]:
    return {
        "run": str(run),
        "manifest": str(manifest),
        "data hash": f"sha256 {hashlib.sha256(manifest.read_bytes()).hexdigest()}",
        "seed": str(system.config.seed),
        "device": str(system.device),
        "parameters": f"{sum(p.numel() for p in system.model.parameters()) / 1e6:.2f} M",
        "versions": f"asr {asr.__version__}, Python {platform.python_version()}, torch {torch.__version__}, "
        f"numpy {np.__version__}",
        "written": time.strftime("%Y-%m-%d %H:%M:%S %z"),
    }


def _pictures(
    system: System, emissions: Emissions, utterances: Sequence[Utterance], folder: Path
) -> list[tuple[str, str]]:
    known, results = {u.id: u for u in utterances}, folder / "results.jsonl"
    rows = suspects(read_rows(results)) if results.stat().st_size else []
    chosen = [row for row in rows if known[row["id"]].duration <= _LONGEST][:_PICTURES]
    return [(row["id"], _picture(system, emissions, known[row["id"]], row["reference"])) for row in chosen]


def _picture(system: System, emissions: Emissions, utterance: Utterance, reference: str) -> str:
    """The picture, or in words why there is none: the results, which matter more, shall not wait for a drawing."""
    rate = system.config.features.sample_rate
    waveform, _ = read_audio(utterance.audio, rate, utterance.offset, utterance.duration)
    found = emissions([torch.from_numpy(waveform)])[0].float().cpu()
    frame = system.features.hop_length * int(system.model.subsampling) / rate  # type: ignore[arg-type]
    said = _said(system, found, reference, frame)
    try:
        return draw_utterance(waveform, rate, found.numpy(), frame, system.tokenizer.tokens, said)
    except Exception as error:  # whatever matplotlib makes of these texts and numbers
        return f"It could not be drawn ({type(error).__name__}: {error})."


def _said(system: System, found: Tensor, reference: str, frame: float) -> list[tuple[str, float, float]]:
    """The reference's words where the likeliest path says them; none where it cannot."""
    try:
        ids = system.tokenizer.encode(reference)
        targets, lengths = torch.tensor([ids], dtype=torch.int64), torch.tensor([len(ids)])
        aligned = align(found[None], targets, torch.tensor([len(found)]), lengths)[0] if ids else None
    except AsrError:  # a word the tokenizer cannot spell
        return []
    if aligned is None:
        return []
    stretches, words = system.tokenizer.words(ids), reference.split()
    if len(stretches) != len(words):
        return []
    pairs = zip(words, stretches, strict=True)
    return [(w, aligned.spans[a][0] * frame, aligned.spans[b - 1][1] * frame) for w, (a, b) in pairs]
