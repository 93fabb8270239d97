"""`asr evaluate` for who prefers a script: `python scripts/evaluate.py --help`."""

import sys

from asr.cli import main

if __name__ == "__main__":
    sys.argv[1:1] = ["evaluate"]
    main()
