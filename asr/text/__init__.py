"""Strings as ids: normalising and tokenizing."""

from asr.text.tokenizers import tokenizer_from_state as tokenizer_from_state
