"""Given: the drift job. It compares the newest houses with those of the training, and Prometheus asks it.

    lab run 6 python -m lab6_monitoring.drift_job --folder reports/features

The service writes the features of the houses into that folder where `$FEATURE_LOG` names it. They have no id and no
price, only their owner may read them, and the job removes them after `KEPT_DAYS` days: place, size and year name a
house.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import random
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI
from prometheus_client import CollectorRegistry, Gauge, start_http_server

from lab1_models.house_price import CUTOFF, FEATURES, split_by_time

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

logger = logging.getLogger(__name__)

PORT = 8001  # the one of `prometheus.yml`
ROWS = 5_000  # so many of the newest houses are compared
FEWEST = 200  # fewer of them say nothing
KEPT_DAYS = 14


def keep_features(app: FastAPI, folder: Path, share: float = 1.0) -> None:
    """Have the service of lab 2 write the features of a share of the houses that it prices, a file for each day."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def watch(rows: Sequence[Mapping[str, Any]], prices: np.ndarray) -> None:
        kept = [{name: row[name] for name in FEATURES} for row in rows if random.random() < share]
        text = "".join(json.dumps(row) + "\n" for row in kept)
        path = folder / f"{datetime.now(UTC):%Y-%m-%d}.jsonl"
        # One `write` at the end of the file: several workers may share it.
        file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(file, text.encode())
        finally:
            os.close(file)

    app.state.models.watchers.append(watch)


def read_features(folder: Path, rows: int = ROWS) -> list[dict[str, Any]]:
    """Return the newest houses of the folder, and remove what is older than `KEPT_DAYS`."""
    oldest = f"{datetime.now(UTC) - timedelta(days=KEPT_DAYS):%Y-%m-%d}"
    found: list[dict[str, Any]] = []
    for path in sorted(folder.glob("????-??-??.jsonl"), reverse=True):
        if path.stem < oldest:
            path.unlink()
        elif len(found) < rows:
            lines = path.read_text(encoding="utf-8").splitlines()
            found = [json.loads(line) for line in lines[len(found) - rows :] if line.endswith("}")] + found
    return found


class DriftMetrics:
    """What Prometheus is told.

    `feature_drift_score` by `feature`: the PSI of `feature_drift` where the change is real (its corrected p-value is
    below ALPHA), else 0. So the alert on a score above 0.2 rings for what `feature_drift` calls drifted.
    `feature_drift_houses`: how many were compared. `feature_drift_timestamp_seconds`: when.
    """

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self.score = Gauge(
            "feature_drift_score", "PSI of a feature, 0 where it may be chance", ["feature"], registry=registry
        )
        self.houses = Gauge("feature_drift_houses", "Houses that were compared", registry=registry)
        self.looked = Gauge("feature_drift_timestamp_seconds", "When they were compared", registry=registry)

    def compare(self, reference: pd.DataFrame, houses: list[dict[str, Any]]) -> None:
        """Set all of them. Where there are too few houses, no feature has a score."""
        import pandas as pd

        from lab6_monitoring.drift import feature_drift

        self.score.clear()
        self.houses.set(len(houses))
        self.looked.set_to_current_time()
        if len(houses) < FEWEST:
            return
        self.tell(feature_drift(reference, pd.DataFrame(houses)[list(reference.columns)]).table)

    def tell(self, table: pd.DataFrame) -> None:
        """Set the scores to those of a drift report's table."""
        from lab6_monitoring.drift import ALPHA

        scores = table["psi"].where(table["p_adjusted"] < ALPHA, 0.0)
        for name, score in zip(table["column"], scores, strict=True):
            self.score.labels(name).set(score)


def training_houses() -> pd.DataFrame:
    """Return the features of the houses that the model of week 1 has learned from."""
    from mlops_lab.datasets import load_house_sales

    return split_by_time(load_house_sales(), CUTOFF)[0][FEATURES]


def main(arguments: list[str] | None = None) -> None:
    """Compare again and again, until Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m lab6_monitoring.drift_job", description=main.__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="where the service writes the features")
    parser.add_argument("--port", type=int, default=PORT, help="where Prometheus asks (default: %(default)s)")
    parser.add_argument("--every", type=float, default=60.0, help="seconds between two looks (default: %(default)s)")
    options = parser.parse_args(arguments)
    reference, metrics = training_houses(), DriftMetrics()
    server, _ = start_http_server(options.port, "127.0.0.1", metrics.registry)
    print(f"the drift of the features: http://127.0.0.1:{options.port}/metrics", flush=True)
    try:
        while True:
            try:
                metrics.compare(reference, read_features(options.folder))
            except (ValueError, OSError):  # a file that is broken, or gone: the score of before is no answer
                logger.exception("the houses could not be compared")
                metrics.score.clear()
            time.sleep(options.every)
    except KeyboardInterrupt:
        server.shutdown()


if __name__ == "__main__":
    main()
