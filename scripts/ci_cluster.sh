#!/bin/sh
# Lab 3 on the offline cluster, for CI:
#   ci_cluster.sh build   builds its programs; meant to run in the background, with low priority, beside all else
#   ci_cluster.sh test    starts it, runs the live tests of lab 3 on it, and removes it; it wants a Docker engine
# What cannot be had here, or not in the time there is, is said in a word and fails nothing. A test that fails does.
set -u
cd "$(dirname "$0")/.."
seconds=720  # for all of `test`
began=$(date +%s)
k8s() { .venv/bin/python -m k8s "$@"; }

install_packages() {
    lacking=$(.venv/bin/python -c 'from k8s.offline.cluster import missing; print(*missing())')
    [ -n "$lacking" ] || return 0
    export DEBIAN_FRONTEND=noninteractive
    # shellcheck disable=SC2086  # they are words
    { apt-get update -qq && apt-get install -y -qq --no-install-recommends $lacking; } >/dev/null </dev/null
}

# Status 3: it cannot be had here. 4: it was not there in time.
may_be_missing() {
    case $1 in
        0) ;;
        3 | 4) echo "ci: no cluster here, so lab 3's live tests are not run"; exit 0 ;;
        *) exit "$1" ;;
    esac
}

case ${1:-} in
build)
    [ "$(id -u)" -ne 0 ] || install_packages || echo "ci: the packages of the cluster could not be installed"
    k8s build
    ;;
test)
    trap 'k8s down' EXIT
    trap 'exit 1' HUP INT TERM
    LABKIT_PATIENCE=5  # a slow machine meets the limit of all, which fails nothing, before it meets one of these
    export LABKIT_PATIENCE
    k8s up --offline
    may_be_missing $?
    KUBECONFIG=$(k8s kubeconfig)
    export KUBECONFIG
    IMAGE=$(k8s image)
    may_be_missing $?
    export IMAGE
    status=1
    for choice in "" "--last-failed --last-failed-no-failures=none"; do  # what failed is run once more, alone
        left=$((seconds - $(date +%s) + began))
        [ "$status" -eq 1 ] && [ "$left" -gt 60 ] || break
        # shellcheck disable=SC2086
        timeout --signal=INT --kill-after=60 "$left" sh scripts/live_kubernetes.sh $choice
        status=$?
        [ "$status" -ne 1 ] || k8s kubectl logs deployment/ingress --namespace=traefik --tail=20
    done
    if [ "$status" -eq 124 ] || [ "$status" -eq 137 ]; then
        echo "ci: the tests on the cluster took longer than there was time; they say nothing"
        exit 0
    fi
    exit "$status"
    ;;
*)
    echo "usage: ci_cluster.sh build|test" >&2
    exit 2
    ;;
esac
