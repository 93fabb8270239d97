"""Strings as ids: normalising and tokenizing."""
