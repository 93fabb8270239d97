"""Speech recognisers trained with connectionist temporal classification, and their use."""

__version__ = "0.1.0"
