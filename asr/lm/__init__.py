"""N-gram language models: reading, estimating, pruning, scoring."""
