"""`python -m labkit` is the same as `lab`."""

import sys

from labkit.cli import main

if __name__ == "__main__":
    sys.exit(main())
