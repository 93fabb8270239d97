"""`asr align` for who prefers a script: `python scripts/align.py --help`."""

import sys

from asr.cli import main

if __name__ == "__main__":
    sys.argv[1:1] = ["align"]
    main()
