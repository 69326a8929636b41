#!/bin/sh
# Lab 3 on the cluster that KUBECONFIG names, else on the one that `make cluster-up` has made. It works in namespaces of
# its own, which it removes. IMAGE names the image of the service where the cluster pulls its images; arguments go to
# pytest, and `--figures` writes what was measured to weeks/week3_kubernetes/cluster_figures.json.
set -eu
cd "$(dirname "$0")/.."
kubeconfig=$(.venv/bin/python -m k8s kubeconfig)
MLOPS_LAB_LIVE=1 MLOPS_LAB_CLUSTER=$kubeconfig .venv/bin/python -m pytest -n0 tests/live/test_cluster_*.py --durations=10 "$@"
