#!/bin/sh
# Write requirements.lock anew for Python 3.11 to 3.13, with hashes and without the address of an index; then, out of
# it, requirements-serve.lock and requirements-train.lock for the groups of packages that go into an image.
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

# compile LOCK ARGUMENT...: write a lock, and look at it before it takes the place of the old one
compile() {
    lock=$1
    shift
    "$uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
        --custom-compile-command 'make lock' "$@" -o "$scratch/$lock"
    if grep -nE '://|^-|@ file' "$scratch/$lock"; then
        echo "error: these lines of $lock hold an address; they may come from uv's or pip's own settings" >&2
        exit 1
    fi
}

compile requirements.lock "$@" pyproject.toml
for group in serve train; do
    compile "requirements-$group.lock" --group "pyproject.toml:$group" --constraint "$scratch/requirements.lock"
    sed -i.old "s|$scratch/||" "$scratch/requirements-$group.lock"
done
for lock in requirements.lock requirements-serve.lock requirements-train.lock; do
    chmod 644 "$scratch/$lock"
    mv "$scratch/$lock" "$lock"
    echo "$lock: $(grep -c '^[a-z0-9].*==' "$lock") packages"
done
