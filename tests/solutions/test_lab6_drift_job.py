"""The drift job of lab 6: what it reads, what it forgets, and what it says."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from lab6_monitoring import drift_job
from lab6_monitoring.drift import LEAST_PSI

COLUMNS = ["sqft_living", "grade", "zipcode"]


def day(ago: int) -> str:
    return f"{datetime.now(UTC) - timedelta(days=ago):%Y-%m-%d}.jsonl"


@pytest.fixture(scope="module")
def houses() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = drift_job.training_houses().sample(500, random_state=1).to_dict("records")
    return found


def test_the_houses_of_the_service_are_read_again(tmp_path: Path, houses: list[dict[str, Any]]) -> None:
    app: Any = SimpleNamespace(state=SimpleNamespace(models=SimpleNamespace(watchers=[])))
    drift_job.keep_features(app, tmp_path / "kept")
    [watch] = app.state.models.watchers
    for part in (houses[:2], houses[2:3]):
        watch([{**house, "price": 1, "owner": "somebody"} for house in part], np.ones(len(part)))
    assert drift_job.read_features(tmp_path / "kept") == houses[:3]
    [file] = (tmp_path / "kept").iterdir()
    assert file.stat().st_mode & 0o077 == 0 and (tmp_path / "kept").stat().st_mode & 0o077 == 0


def test_the_newest_houses_count_and_the_oldest_are_removed(tmp_path: Path) -> None:
    for ago in (0, 1, 2, drift_job.KEPT_DAYS + 1):
        lines = [json.dumps({"ago": ago, "place": place}) for place in range(3)]
        (tmp_path / day(ago)).write_text("\n".join(lines) + '\n{"cut o')
    found = drift_job.read_features(tmp_path, rows=5)
    assert [(row["ago"], row["place"]) for row in found][-3:] == [(0, 0), (0, 1), (0, 2)]
    assert {row["ago"] for row in found} == {0, 1}
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(day(ago) for ago in (0, 1, 2))


def test_the_score_is_what_the_alert_reads(houses: list[dict[str, Any]]) -> None:
    metrics, reference = drift_job.DriftMetrics(), drift_job.training_houses()[COLUMNS]

    def scores() -> dict[str, float]:
        [family] = [one for one in metrics.registry.collect() if one.name == "feature_drift_score"]
        return {sample.labels["feature"]: sample.value for sample in family.samples}

    metrics.compare(reference, houses)
    assert list(scores()) == COLUMNS
    assert max(scores().values()) < LEAST_PSI
    metrics.compare(reference, [{**house, "sqft_living": 0.0929 * house["sqft_living"]} for house in houses])
    assert [name for name, score in scores().items() if score > LEAST_PSI] == ["sqft_living"]
    metrics.compare(reference, houses[: drift_job.FEWEST - 1])
    assert scores() == {}
    assert metrics.registry.get_sample_value("feature_drift_houses") == drift_job.FEWEST - 1
