"""Language model code compiled by numba."""
