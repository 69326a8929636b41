#!/bin/sh
# Style, types, import rules and stray words. All of them run, also where the first one fails.
set -u
cd "$(dirname "$0")/.."
failed=0

run() {
    echo "lint: $*"
    "$@" || failed=1
}

run .venv/bin/ruff check --quiet .
run .venv/bin/ruff format --check --quiet .
run .venv/bin/mypy --no-error-summary
run env PYTHONPATH=solutions .venv/bin/lint-imports --no-logo
run .venv/bin/python scripts/stray_words.py
exit "$failed"
