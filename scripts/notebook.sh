#!/bin/sh
# Open the guided tour of lab $1 in JupyterLab. There `import lab1_models` means your own files of that lab in labs/.
set -eu
cd "$(dirname "$0")/.."

number=$1
shift
notebook=$(ls notebooks/lab"$number"_*.ipynb 2>/dev/null) || {
    echo "error: there is no notebook of lab \`$number\` in notebooks/" >&2
    exit 2
}
# JupyterLab asks for this where it runs as root, as in a container.
[ "$(id -u)" -ne 0 ] || set -- --allow-root "$@"
exec .venv/bin/lab run "$number" jupyter-lab --ServerApp.root_dir="$PWD" "$@" "$notebook"
