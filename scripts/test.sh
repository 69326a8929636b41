#!/bin/sh
# The course proved whole, then every test; arguments go to pytest: `make test ARGS='-k tools -x'`.
set -u
cd "$(dirname "$0")/.."
failed=0

# A learner whose labs/ are half done has green tests too: here the starters are made anew, and labs/ is left alone.
.venv/bin/lab dev check --skip-labs || failed=1
# loadfile: the tests of a file stay together and share its server; the slow files come first (see conftest.py).
# One more than there are cores: some wait for a server while others compute.
cores=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
workers=$((cores < 4 ? cores + 1 : 4))
.venv/bin/python -m pytest -n "$workers" --dist loadfile --no-loadscope-reorder --durations=10 "$@" || failed=1
exit "$failed"
