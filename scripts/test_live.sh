#!/bin/sh
# The tests that need a Docker engine or a browser; without them they are skipped and say so. Arguments go to pytest.
set -u
cd "$(dirname "$0")/.."

# The tests have a home folder of their own, so the client would not find what `docker context use` has chosen.
if [ -z "${DOCKER_HOST:-}" ] && host=$(docker context inspect --format '{{.Endpoints.docker.Host}}' 2>/dev/null); then
    DOCKER_HOST=$host
    export DOCKER_HOST
fi
MLOPS_LAB_LIVE=1
export MLOPS_LAB_LIVE

# Images are built beside everything else. A browser has seconds for each step, so pages are opened when nothing else runs.
.venv/bin/python -m pytest tests/live --ignore-glob='*page*.py' -n 2 --dist loadfile --no-loadscope-reorder --durations=5 "$@"
first=$?
[ "$first" -ne 2 ] || exit 2 # it was interrupted
.venv/bin/python -m pytest tests/live/test_*page*.py --durations=5 "$@"
second=$?
# 5 says that no test was chosen, as by `-k pages`: there is another half.
[ "$first" -ne 5 ] || exit "$second"
[ "$second" -ne 5 ] || exit "$first"
[ "$first" -ne 0 ] || exit "$second"
exit "$first"
