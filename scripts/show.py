"""Transcribe a few recordings of a manifest beside their references: `python scripts/show.py RUN MANIFEST [COUNT]`."""

import sys
from pathlib import Path

from asr.cli import show

if __name__ == "__main__":
    show(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 3)
