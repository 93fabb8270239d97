"""`python -m asr.cli` is the installed `asr`."""

from asr.cli import main

main()
