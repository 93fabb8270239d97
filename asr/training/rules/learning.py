"""Rules on how a run learns, in the order they are told."""

from asr.training.rules.outcome import over_fitting, wordless
from asr.training.rules.plateau import silence, stuck
from asr.training.rules.rate import rate_too_high, rate_too_low

RULES = (silence, stuck, rate_too_high, rate_too_low, over_fitting, wordless)
