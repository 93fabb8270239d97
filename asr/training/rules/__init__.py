"""What can be wrong with a run, one idea a file: how it learns, and what it learns from."""
