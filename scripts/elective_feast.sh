#!/bin/sh
# The features of week 5 in Feast, in an environment of its own: Feast does not run on pandas 3 yet.
set -eu
cd "$(dirname "$0")/.."
env=.lab/feast
if [ ! -f "$env/.ready" ]; then
    .venv/bin/uv venv --quiet --clear --python .venv/bin/python "$env"
    .venv/bin/uv pip install --quiet --python "$env/bin/python" 'feast>=0.67,<0.68' 'pandas<3' 'pyarrow>=21'
    : >"$env/.ready"
fi
# -W: what Feast's own packages say about each other is not our business.
PYTHONPATH=solutions:shared:. exec "$env/bin/python" -W ignore -m weeks.week5_pipeline.elective_feast
