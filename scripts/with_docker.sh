#!/bin/sh
# Run a command with a Docker engine: the one that answers here, else one that is started for it and ended after it.
#   sh scripts/with_docker.sh make test-live
# It is meant for CI. To start an engine it has to be root on a system with apt; otherwise the command runs without one.
set -eu
cd "$(dirname "$0")/.."
kept=${DOCKER_TEST_ROOT:-/var/tmp/mlops-lab-docker}  # layers stay here for the next run
scratch=$(mktemp -d)
engine=
finish() {
    if [ -n "$engine" ]; then
        kill "$engine" 2>/dev/null || true
        wait "$engine" 2>/dev/null || true
    fi
    rm -rf "$scratch"
}
trap finish EXIT
trap 'exit 1' HUP INT TERM

answers() { docker version --format '{{.Server.Version}}' >/dev/null 2>&1; }

install_packages() {
    export DEBIAN_FRONTEND=noninteractive
    { apt-get update -qq && apt-get install -y -qq --no-install-recommends docker.io debootstrap; } >/dev/null </dev/null
}

start_engine() {
    # The engine's own client: a newer one on PATH may lack its builder.
    mkdir "$scratch/bin"
    ln -s /usr/bin/docker "$scratch/bin/docker"
    PATH=$scratch/bin:$PATH
    DOCKER_HOST=unix://$scratch/docker.sock
    export PATH DOCKER_HOST
    unset DOCKER_CONTEXT DOCKER_TLS_VERIFY DOCKER_CERT_PATH
    dockerd --iptables=false --ip6tables=false --bridge=none --data-root "$kept" --exec-root "$scratch/exec" \
        --pidfile "$scratch/docker.pid" --host "$DOCKER_HOST" >"$scratch/dockerd.log" 2>&1 </dev/null &
    engine=$!
    tries=0
    until answers; do
        tries=$((tries + 1))
        if [ "$tries" -gt 300 ] || ! kill -0 "$engine" 2>/dev/null; then
            echo "with_docker: the engine did not start:" >&2
            tail -n 5 "$scratch/dockerd.log" >&2
            return 1
        fi
        sleep 0.1
    done
}

if ! answers; then
    if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
        echo "with_docker: no Docker engine answers, and none can be started here"
    elif { [ -x /usr/bin/docker ] && command -v dockerd && command -v debootstrap; } >/dev/null || install_packages; then
        start_engine || true
    else
        echo "with_docker: docker.io could not be installed"
    fi
fi

# The base image of the solution. An engine that was started here and reaches no registry gets a stand-in of its name.
if [ -n "$engine" ] && answers; then
    base=$(sed -n 's/^ARG BASE=//p' solutions/lab2_service/Dockerfile)
    if ! docker image inspect "$base" >/dev/null 2>&1 && ! timeout 300 docker pull --quiet "$base" >/dev/null 2>&1; then
        echo "with_docker: \`$base\` cannot be pulled here"
        sh scripts/standin_base.sh "$base" || echo "with_docker: and no stand-in could be made"
    fi
fi

status=0
"$@" || status=$?
if [ -n "$engine" ] && answers; then  # what the next run can use stays, and no more
    docker image prune --force >/dev/null || true
    docker builder prune --force --keep-storage 4GB >/dev/null || true
fi
exit "$status"
