#!/bin/sh
# Lab 3 on the cluster that KUBECONFIG names (and CONTEXT confirms), else on the one that `make cluster-up` has made. It
# works in a namespace of its own, which it removes. IMAGE names the image of the service where the cluster pulls its
# images; without it, it is built and loaded. `--mine` takes your own labs/. Other arguments go to pytest.
set -eu
cd "$(dirname "$0")/.."
mine=
if [ "${1:-}" = --mine ]; then
    mine=--mine
    MLOPS_LAB_TRACK=$PWD/labs
    export MLOPS_LAB_TRACK
    shift
fi
MLOPS_LAB_CLUSTER=$(.venv/bin/python -m k8s kubeconfig)
[ -n "${IMAGE:-}" ] || IMAGE=$(.venv/bin/python -m k8s image $mine)
MLOPS_LAB_LIVE=1
export MLOPS_LAB_CLUSTER MLOPS_LAB_LIVE IMAGE
exec .venv/bin/python -m pytest -n0 tests/live/test_cluster_*.py --durations=15 "$@"
