#!/bin/sh
# Find a Python from 3.11 to 3.13 and hand over to bootstrap.py, which makes .venv.
# PYTHON=/path/to/python chooses another one than the first `python3` that fits.
set -eu
cd "$(dirname "$0")/.."

fits() {
    "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' >/dev/null 2>&1
}

if [ -n "${PYTHON:-}" ]; then
    fits "$PYTHON" || { echo "error: \`PYTHON=$PYTHON\` is not a Python from 3.11 to 3.13" >&2; exit 1; }
    exec "$PYTHON" scripts/bootstrap.py
fi
for name in python3 python3.13 python3.12 python3.11; do
    if fits "$name"; then exec "$name" scripts/bootstrap.py; fi
done
# uv can bring a Python of its own.
if command -v uv >/dev/null 2>&1; then
    exec uv run --no-project --python '>=3.11,<3.14' scripts/bootstrap.py
fi

found=$(python3 --version 2>&1) || found="no python3"
case $(uname -s) in
    Darwin) fix="brew install python@3.13" ;;
    *) fix="sudo apt install python3.13   (or python3.12, python3.11)" ;;
esac
cat >&2 <<END
error: the labs need Python 3.11, 3.12 or 3.13, and found only: $found
fix:   $fix
       With another Python elsewhere: make lab-1 PYTHON=/path/to/python3.13
END
exit 1
