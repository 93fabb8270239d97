"""Acoustic models, one paper a file."""
