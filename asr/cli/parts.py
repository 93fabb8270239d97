"""A system's parts as a recogniser, for every verb that hears."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from asr.build import System
    from asr.inference.recogniser import Recogniser


def recogniser_of(system: "System") -> "Recogniser":
    """The recogniser of a trained system."""
    from asr.inference.recogniser import Recogniser

    rate, decoding = system.config.features.sample_rate, system.config.decoding
    calibration = (decoding.confidence_slope, decoding.confidence_offset)
    parts = (system.features, system.model, system.tokenizer, system.decoder)
    return Recogniser(*parts, rate, system.device, calibration)  # type: ignore[arg-type]
