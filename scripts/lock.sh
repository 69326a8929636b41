#!/bin/sh
# Write requirements.lock anew for Python 3.11 to 3.13, with hashes and without the address of an index.
# Versions that are locked stay; arguments go to uv: `make lock ARGS=--upgrade`, `make lock ARGS='-P rich'`.
set -eu
cd "$(dirname "$0")/.."
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

uv=.venv/bin/uv
[ -x "$uv" ] || uv=$(command -v uv) || {
    python3 -m venv "$scratch/venv"
    "$scratch/venv/bin/python" -m pip install --quiet --disable-pip-version-check uv
    uv=$scratch/venv/bin/uv
}

cp requirements.lock "$scratch/requirements.lock" 2>/dev/null || true
"$uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
    --custom-compile-command 'make lock' "$@" pyproject.toml -o "$scratch/requirements.lock"
if grep -nE '://|^-|@ file' "$scratch/requirements.lock"; then
    echo "error: these lines of the lock hold an address; they may come from uv's or pip's own settings" >&2
    exit 1
fi
chmod 644 "$scratch/requirements.lock"
mv "$scratch/requirements.lock" requirements.lock
echo "requirements.lock: $(grep -c '^[a-z0-9].*==' requirements.lock) packages"
