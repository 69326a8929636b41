#!/bin/sh
# Remove what `make` made. What you wrote (labs/) and how far you are (.lab/) stay.
set -eu
cd "$(dirname "$0")/.."

rm -rf .venv .venv-dvc .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
find . -name __pycache__ -type d -prune -exec rm -rf {} +
find . -name .ipynb_checkpoints -type d -prune -exec rm -rf {} +
