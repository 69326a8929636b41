"""One drift report in a process of its own: `python -m bench.monitoring.work 5000` prints JSON."""

from __future__ import annotations

import json
import sys
import time

from bench.pipeline.work import peak_mb


def main(rows: int) -> None:
    """Compare two tables of so many rows, drawn from the real sales."""
    import evidently.metrics  # noqa: F401  (the time of an import is not that of a report)

    from lab1_models.house_price import FEATURES
    from lab6_monitoring.drift import feature_drift
    from mlops_lab.datasets import load_house_sales

    sales = load_house_sales()[FEATURES]
    before, now = (sales.sample(rows, replace=True, random_state=seed, ignore_index=True) for seed in (0, 1))
    started, began = time.perf_counter(), time.process_time()
    report = feature_drift(before, now)
    seconds, processor = time.perf_counter() - started, time.process_time() - began
    print(
        json.dumps(
            {
                "seconds": seconds,
                "cpu_s": processor,
                "memory_mb": peak_mb(),
                "used": report.rows["current_used"],
                "columns": len(report.table),
                "html_mb": len(report.html.encode()) / 1e6,
            }
        )
    )


if __name__ == "__main__":
    main(int(sys.argv[1]))
