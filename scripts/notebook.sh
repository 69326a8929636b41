#!/bin/sh
# Open the guided tour of lab $1 in JupyterLab, where `import lab1_models` means your own files in labs/.
set -eu
cd "$(dirname "$0")/.."

notebook=$(ls notebooks/lab"$1"_*.ipynb 2>/dev/null) || {
    echo "error: there is no notebook of lab \`$1\` in notebooks/" >&2
    exit 2
}
export PYTHONPATH="$PWD/labs${PYTHONPATH:+:$PYTHONPATH}"
# JupyterLab asks for this where it runs as root, as in a container.
[ "$(id -u)" -ne 0 ] || set -- "$1" --allow-root
shift
exec .venv/bin/jupyter-lab --ServerApp.root_dir="$PWD" "$@" "$notebook"
