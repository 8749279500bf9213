"""`python -m bench.blast`: all runs, kept for the page; `--quick --json`: a few, and only the JSON document; `--cost`."""

import sys

from bench.blast.command import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
