"""Emissions to hypotheses."""
