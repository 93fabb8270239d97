"""How emissions become words: which decoder, and its options. A new decoder is a new kind."""

from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator

from asr.options import Options, PathOption


# The weights below, untuned, over the simulated bench of 100 utterances, 0.7 % of their words unknown: WER 3.9 % with a
# language model of words, unknown ones allowed or not; of characters 5.3; a lexicon alone 9.5; neither 31.4 (greedy
# 31.7). alpha 0.5, beta 0, insertion 0 gave 4.6 with unknown words forbidden. Inside an unknown word characters cost
# nothing, so that a small unknown_penalty lets every doubtful word be one: 5 gave 32.8 %, 10 16.7 %, 15 5.0 %. With
# 3.5 % and 15 % unknown words a larger penalty is no worse either.
class DecodingOptions(Options):
    """The decoder: `greedy` takes the best token of every frame, `beam` searches; the other options are the beam's."""

    kind: Literal["greedy", "beam"] = "greedy"
    beam_width: int = Field(100, ge=1)  # prefixes that live on after a frame
    top_tokens: int = Field(30, ge=1)  # tokens of a frame that are tried
    token_threshold: float = Field(10.0, gt=0)  # nats below the frame's best token
    beam_threshold: float = Field(12.0, gt=0)  # nats below the best prefix
    blank_skip: float = Field(1.0, gt=0, le=1)  # frames whose blank is as likely say nothing else; 1: none
    nbest: int = Field(1, ge=1)
    recombine: bool = True  # with a language model: prefixes of one future become one
    lm: PathOption | None = None  # ARPA file
    lm_units: Literal["auto", "word", "token"] = "auto"
    lexicon: PathOption | None = None  # a word a line; else the words of the language model
    alpha: float = Field(0.8, ge=0)  # weight of the language model; `asr tune` finds all of these weights
    beta: float = Field(1.0, ge=-100, le=100)  # nats for a word
    insertion: float = Field(0.5, ge=-100, le=100)  # nats for a token
    unknown: Literal["allow", "forbid"] = "allow"  # words the lexicon lacks
    unknown_penalty: float = Field(15.0, ge=0)  # nats for each of them
    look_ahead: Literal["ngram", "unigram"] = "ngram"  # what a beginning word is thought to be worth
    hotwords: list[str] = Field(default_factory=list)  # phrases that shall be heard
    hotword_boost: float = Field(5.0, ge=0, le=100)  # nats for each of them
    confidence_slope: float = Field(1.0, ge=0)  # of a word's confidence (inference/confidence.py); `asr tune` fits both
    confidence_offset: float = 0.0

    @field_validator("hotwords")
    @classmethod
    def _said(cls, hotwords: list[str]) -> list[str]:
        if not all(phrase.split() for phrase in hotwords):
            raise ValueError("an empty phrase among them; expected words; drop it")
        return hotwords

    def describe(
        self, counts: Literal["words", "tokens"] | None = None, words: int | None = None, closed: bool = False
    ) -> str:
        """The decoder in words, for a report. `counts`: what its language model counts; `words`: how many its lexicon
        has; `closed`: no others can be heard, whatever `unknown` says."""
        if self.kind == "greedy":
            return "greedy"
        parts = ["beam search", f"width {self.beam_width}"]
        if self.lm is not None:
            parts.append(f"{_name(self.lm)} ({counts})" if counts else _name(self.lm))
        if words is not None:
            parts.append(f"{_name(self.lexicon)} ({words} words)" if self.lexicon else f"lexicon of {words} words")
        parts += [f"alpha {self.alpha:g}"] * (self.lm is not None)
        parts += [f"beta {self.beta:g}", f"insertion {self.insertion:g}"]
        if words is not None:
            forbidden = closed or self.unknown == "forbid"
            parts.append(f"unknown words {'forbidden' if forbidden else f'allowed, penalty {self.unknown_penalty:g}'}")
        parts += [f"{len(self.hotwords)} phrases boosted by {self.hotword_boost:g}"] * bool(self.hotwords)
        return ", ".join(parts)


def _name(path: Path | None) -> str:
    return path.name if path is not None else ""
