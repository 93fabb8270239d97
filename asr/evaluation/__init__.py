"""Hypotheses against references: counting errors and writing them down."""
