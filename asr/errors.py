"""The errors a user can cause and mend. Each message reads `where: what is wrong; what was expected; what to do`.

The command line prints an AsrError as one line and exits 2; every other exception keeps its traceback.
"""


class AsrError(Exception):
    """A mistake in what the program was given: one clear line, no traceback."""


class ConfigError(AsrError):
    """A configuration file or override that cannot be used."""


class ManifestError(AsrError):
    """A manifest or corpus that cannot be used."""


class AudioError(AsrError):
    """A recording that cannot be read."""


class VocabularyError(AsrError):
    """Text the tokenizer cannot express."""


class LossError(AsrError):
    """Input to the CTC loss that has no loss."""


class CheckpointError(AsrError):
    """A model or checkpoint that cannot be loaded or saved."""


class TrainingError(AsrError):
    """A training run that cannot go on."""


class LanguageModelError(AsrError):
    """A language model, or a text to estimate one from, that cannot be used."""
