"""How emissions become words: which decoder, and its options. A new decoder is a new kind."""

from typing import Literal

from pydantic import Field, field_validator

from asr.options import Options, PathOption


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
    alpha: float = Field(0.5, ge=0)  # weight of the language model
    beta: float = Field(0.0, ge=-100, le=100)  # nats for a word
    insertion: float = Field(0.0, ge=-100, le=100)  # nats for a token
    unknown: Literal["allow", "forbid"] = "allow"  # words the lexicon lacks
    unknown_penalty: float = Field(5.0, ge=0)  # nats for each of them
    look_ahead: Literal["ngram", "unigram"] = "ngram"  # what a beginning word is thought to be worth
    hotwords: list[str] = Field(default_factory=list)  # phrases that shall be heard
    hotword_boost: float = Field(5.0, ge=0, le=100)  # nats for each of them

    @field_validator("hotwords")
    @classmethod
    def _said(cls, hotwords: list[str]) -> list[str]:
        if not all(phrase.split() for phrase in hotwords):
            raise ValueError("an empty phrase among them; expected words; drop it")
        return hotwords
