"""How emissions become words: which decoder, and its options. A new decoder is a new kind."""

from typing import Literal

from pydantic import Field

from asr.options import Options


class DecodingOptions(Options):
    """The decoder: `greedy` takes the best token of every frame."""

    kind: Literal["greedy"] = "greedy"
    nbest: int = Field(1, ge=1)  # texts to keep, at most; greedy knows one
