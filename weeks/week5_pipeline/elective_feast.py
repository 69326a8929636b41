"""The features of week 5 in Feast: the same definitions, joined point in time, and served from an online store.

`make elective-feast` runs this in an environment of its own, since Feast does not run on pandas 3 yet. It compares with
`training_frame` and `zipcode_features`, row by row, and ends with 1 where a figure differs.
"""

from __future__ import annotations

import sys
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd

from lab5_pipeline.features import FEATURES, training_frame, zipcode_features
from mlops_lab.datasets import load_house_sales

MONTH = "2015-04"


def main() -> int:
    """Fill the offline store with a month, ask it for the month's sales, then the online store for its last day."""
    sales = load_house_sales()
    first = pd.Timestamp(MONTH)
    days = pd.date_range(first, first + pd.offsets.MonthEnd(0))
    with tempfile.TemporaryDirectory() as folder:
        store = _store(Path(folder), sales, days)
        differences = _in_training(store, sales) + _in_serving(store, sales, days[-1])
    print("Feast says what the lab says" if not differences else f"error: {differences} figures differ")
    return 1 if differences else 0


def _store(folder: Path, sales: pd.DataFrame, days: pd.DatetimeIndex) -> Any:
    """A feature store whose offline part has what was known when each day began."""
    from feast import Entity, FeatureStore, FeatureView, Field, FileSource, RepoConfig, ValueType
    from feast.types import Float64, Int64

    known = pd.concat([zipcode_features(sales, day).assign(event_timestamp=day) for day in days]).reset_index()
    known["event_timestamp"] = known["event_timestamp"].dt.tz_localize("UTC")
    path = folder / "zipcode_features.parquet"
    known.to_parquet(path)
    zipcode = Entity(name="zipcode", join_keys=["zipcode"], value_type=ValueType.INT64)
    view = FeatureView(
        name="lately",
        entities=[zipcode],
        # What was known yesterday is not what is known today, where a zipcode has no row today.
        ttl=timedelta(hours=12),
        schema=[Field(name="zip_price_sqft", dtype=Float64), Field(name="zip_sales", dtype=Int64)],
        source=FileSource(path=str(path), timestamp_field="event_timestamp"),
    )
    store = FeatureStore(
        config=RepoConfig(
            project="sales",
            provider="local",
            registry=str(folder / "registry.db"),
            online_store={"type": "sqlite", "path": str(folder / "online.db")},
            entity_key_serialization_version=3,
        )
    )
    store.apply([zipcode, view])
    return store


def _in_training(store: Any, sales: pd.DataFrame) -> int:
    """How many figures of the month's sales Feast joins to other values than `training_frame`."""
    wanted = training_frame(sales[sales["date"] < pd.Timestamp(MONTH) + pd.DateOffset(months=1)])
    wanted = wanted[wanted["date"] >= MONTH].assign(event_timestamp=wanted["date"].dt.tz_localize("UTC"))
    # Feast answers once for each zipcode and moment, however often it is asked.
    key = ["zipcode", "event_timestamp"]
    names = [f"lately:{name}" for name in FEATURES]
    told = store.get_historical_features(entity_df=wanted[key].drop_duplicates(), features=names).to_df()
    joined = wanted[key].merge(told, on=key, how="left", validate="many_to_one")
    print(f"training: {len(joined)} sales joined, point in time")
    return _different(joined, wanted)


def _in_serving(store: Any, sales: pd.DataFrame, day: pd.Timestamp) -> int:
    """How many figures of the last day the online store has otherwise than `zipcode_features`."""
    wanted = zipcode_features(sales, day).reset_index()
    store.materialize(start_date=day.to_pydatetime(), end_date=(day + pd.Timedelta(hours=1)).to_pydatetime())
    rows = [{"zipcode": int(zipcode)} for zipcode in wanted["zipcode"]]
    names = [f"lately:{name}" for name in FEATURES]
    served = store.get_online_features(features=names, entity_rows=rows).to_df()
    print(f"serving: {len(served)} zipcodes asked, as of {day.date()}")
    return _different(served.set_index("zipcode").loc[wanted["zipcode"]].reset_index(), wanted)


def _different(found: pd.DataFrame, wanted: pd.DataFrame) -> int:
    """How many of the features differ. No sales before are 0 in the lab, and no value in Feast."""
    pairs = [(found[name].fillna(0).to_numpy(), wanted[name].fillna(0).to_numpy()) for name in FEATURES]
    return sum(int((abs(one - other) > 1e-9 * abs(other)).sum()) for one, other in pairs)


if __name__ == "__main__":
    sys.exit(main())
