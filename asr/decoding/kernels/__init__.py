"""Prefix beam search compiled by numba."""
