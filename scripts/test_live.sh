#!/bin/sh
# The tests that need a Docker engine or a browser; without them they are skipped and say so. Arguments go to pytest.
set -u
cd "$(dirname "$0")/.."

# The tests have a home folder of their own, so the client would not find what `docker context use` has chosen.
if [ -z "${DOCKER_HOST:-}" ] && host=$(docker context inspect --format '{{.Endpoints.docker.Host}}' 2>/dev/null); then
    DOCKER_HOST=$host
    export DOCKER_HOST
fi
MLOPS_LAB_LIVE=1 .venv/bin/python -m pytest tests/live --durations=5 "$@"
