#!/bin/sh
# The month's aggregation of week 5 on Spark, in an environment of its own: PySpark brings 750 MB, and no lab needs it.
set -eu
cd "$(dirname "$0")/.."
if ! command -v java >/dev/null; then
    echo "error: Spark needs Java 17. On Debian and Ubuntu: sudo apt-get install openjdk-17-jre-headless" >&2
    exit 1
fi
env=.lab/spark
if [ ! -f "$env/.ready" ]; then
    .venv/bin/uv venv --quiet --clear --python .venv/bin/python "$env"
    .venv/bin/uv pip install --quiet --python "$env/bin/python" 'pyspark>=4.1,<4.2' 'pandas>=3,<3.1' 'pyarrow>=21'
    : >"$env/.ready"
fi
PYTHONPATH=solutions:shared:. exec "$env/bin/python" -m weeks.week5_pipeline.elective_spark
