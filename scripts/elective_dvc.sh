#!/bin/sh
# A tour of DVC (week 4, elective), with DVC in an environment of its own: it wants other versions of what MLflow needs.
# DVC=/path/to/dvc takes another one and installs nothing.
set -eu
cd "$(dirname "$0")/.."

if [ -z "${DVC:-}" ]; then
    DVC=$PWD/.venv-dvc/bin/dvc
    if [ ! -x "$DVC" ]; then
        echo "installing DVC into .venv-dvc, once …"
        rm -rf .venv-dvc
        .venv/bin/python -m venv .venv-dvc
        .venv-dvc/bin/python -m pip install --quiet --disable-pip-version-check 'dvc==3.67.0' ||
            { rm -rf .venv-dvc; echo "error: DVC could not be installed; is the network there?" >&2; exit 1; }
    fi
fi
PYTHONPATH=${LABS:-solutions} .venv/bin/python -m weeks.week4_tracking.dvc_tour "$DVC"
