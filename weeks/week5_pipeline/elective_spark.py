"""The aggregation of a month on Spark: the same numbers as pandas and the lab's own features.

`make elective-spark` runs this in an environment of its own, since PySpark brings 750 MB. It needs Java 17. It ends
with 1 where a figure differs.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd

from lab5_pipeline.features import DAYS, zipcode_features
from mlops_lab.datasets import load_house_sales

AS_OF = "2015-04-01"


def main() -> int:
    """Aggregate with both, and compare."""
    sales = load_house_sales()
    with tempfile.TemporaryDirectory() as folder:
        spark = _session(Path(folder))
        try:
            path = Path(folder, "sales.parquet")
            # Spark knows microseconds and no nanoseconds.
            sales.astype({"date": "datetime64[us]"}).to_parquet(path)
            rows = spark.read.parquet(str(path))
            differences = _different("months", _months_by_spark(rows), months(sales))
            differences += _different("features", _features_by_spark(rows), zipcode_features(sales, AS_OF))
        finally:
            spark.stop()
    print("Spark says what pandas says" if not differences else f"error: {differences} figures differ")
    return 1 if differences else 0


def months(sales: pd.DataFrame) -> pd.DataFrame:
    """Sales, median price and mean price (USD) of each month and zipcode, with pandas."""
    month = sales["date"].dt.strftime("%Y-%m").rename("month")
    price = sales["price"].groupby([month, sales["zipcode"]])
    return pd.DataFrame({"sales": price.size(), "median_price": price.median(), "mean_price": price.mean()})


def _months_by_spark(rows: Any) -> pd.DataFrame:
    """The same with Spark: what is written is a plan, and nothing is read before `_collect` asks for the answer."""
    from pyspark.sql import functions as f

    plan = rows.groupBy(f.date_format("date", "yyyy-MM").alias("month"), "zipcode").agg(
        f.count("price").alias("sales"),
        f.median("price").alias("median_price"),
        f.avg("price").alias("mean_price"),
    )
    return _collect(plan, ["month", "zipcode"])


def _features_by_spark(rows: Any) -> pd.DataFrame:
    """`zipcode_features` of the lab, with Spark."""
    from pyspark.sql import functions as f

    day = f.lit(AS_OF).cast("timestamp_ntz")
    known = rows.where((f.col("date") < day) & (f.col("date") >= day - f.make_dt_interval(f.lit(DAYS))))
    plan = known.groupBy("zipcode").agg(
        f.median(f.col("price") / f.col("sqft_living")).alias("zip_price_sqft"),
        f.count("price").alias("zip_sales"),
    )
    return _collect(plan, ["zipcode"])


def _collect(plan: Any, index: list[str]) -> pd.DataFrame:
    """The answer of a plan as a frame. An aggregation is small; whoever collects the rows themselves needs no Spark."""
    return pd.DataFrame([row.asDict() for row in plan.collect()]).set_index(index).sort_index()


def _session(folder: Path) -> Any:
    """Spark on this machine alone: two threads, loopback, no page."""
    from pyspark.sql import SparkSession

    settings = {
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.local.dir": str(folder / "spark"),
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
        "spark.sql.shuffle.partitions": "2",
        "spark.sql.session.timeZone": "UTC",
    }
    builder: Any = SparkSession.builder.master("local[2]").appName("sales")
    for name, value in settings.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    return session


def _different(what: str, found: pd.DataFrame, wanted: pd.DataFrame) -> int:
    """How many figures differ; a row that only one of them has counts as well."""
    print(f"{what}: {len(found)} rows of Spark, {len(wanted)} of pandas")
    found, wanted = found.align(wanted)
    same = (found - wanted).abs() <= 1e-9 * wanted.abs()
    return int((~same).sum().sum())


if __name__ == "__main__":
    sys.exit(main())
