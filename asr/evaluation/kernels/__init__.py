"""Alignment of a hypothesis with its reference, compiled."""
