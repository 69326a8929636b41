"""Fail where a wall around submissions is missing: `python scripts/require_walls.py`. CI runs it before it judges.

`lab check` goes on where a wall is missing and says so, which is right for somebody's own files. A machine that judges
whatever is sent to it must have all of them.
"""

from __future__ import annotations

import sys

from labkit.sandbox.walls import available


def main() -> int:
    """Name the walls that this machine lacks; return the exit status."""
    missing = [name for name, there in available().items() if not there]
    for name in missing:
        print(f"error: no wall here: {name}. Submissions are not judged without it; `lab doctor` says more.")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
