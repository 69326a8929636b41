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

run() { .venv/bin/python -m pytest --durations=5 "$@"; }

# What was chosen is run as it stands.
[ $# -eq 0 ] || { run tests/live "$@"; exit; }
# Images are built beside everything else. A browser has seconds for each step, so pages are opened when nothing else runs.
status=0
run tests/live --ignore-glob='*page*.py' -n 2 --dist loadfile --no-loadscope-reorder || status=$?
[ "$status" -eq 2 ] || run tests/live/test_*page*.py || status=$? # 2: somebody has interrupted it
exit "$status"
