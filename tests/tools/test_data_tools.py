"""Each tool of the stack does one real thing, so that a pair of versions that do not fit is seen the day it is locked.

Here: frames, models, contracts, drift, plots.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest


@pytest.fixture
def sales() -> pd.DataFrame:
    """Two hundred made-up sales, with each kind of column that the labs meet."""
    rng = np.random.default_rng(0)
    area = rng.uniform(50, 300, 200)
    return pd.DataFrame(
        {
            "sold": pd.date_range("2024-01-01", periods=200, freq="D"),
            "area": area,
            "rooms": rng.integers(1, 8, 200),
            "zipcode": pd.Categorical(rng.choice(["98101", "98102", "98103"], 200)),
            "city": rng.choice(["Seattle", "Bellevue"], 200),
            "price": 3000 * area + rng.normal(0, 10_000, 200),
        }
    )


def test_pandas_and_pyarrow_keep_a_frame(sales: pd.DataFrame, tmp_path: Path) -> None:
    sales.to_parquet(tmp_path / "sales.parquet")
    again = pd.read_parquet(tmp_path / "sales.parquet")
    pd.testing.assert_frame_equal(again, sales)
    assert str(again["city"].dtype) == "str"


def test_scikit_learn_fits_a_frame(sales: pd.DataFrame) -> None:
    from sklearn.compose import make_column_transformer
    from sklearn.linear_model import Ridge
    from sklearn.model_selection import cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    columns = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), ["zipcode", "city"]), (StandardScaler(), ["area", "rooms"])
    )
    scores = cross_val_score(make_pipeline(columns, Ridge()), sales, sales["price"], cv=4, scoring="r2")
    assert scores.mean() > 0.98


def test_treelite_predicts_like_gradient_boosting(sales: pd.DataFrame) -> None:
    import treelite
    from sklearn.ensemble import HistGradientBoostingRegressor

    features = sales[["area", "rooms"]].to_numpy(dtype=float)
    model = HistGradientBoostingRegressor(max_iter=30, random_state=0).fit(features, sales["price"])
    trees = treelite.sklearn.import_model(model)
    # The same trees, summed up in another order.
    np.testing.assert_allclose(treelite.gtil.predict(trees, features).ravel(), model.predict(features), rtol=1e-14)


def test_pandera_accepts_and_rejects(sales: pd.DataFrame) -> None:
    import pandera.pandas as pa

    schema = pa.DataFrameSchema(
        {"price": pa.Column(float, pa.Check.gt(0)), "city": pa.Column(str), "rooms": pa.Column(int)}
    )
    assert schema.validate(sales).equals(sales)
    with pytest.raises(pa.errors.SchemaErrors, match="greater_than"):
        schema.validate(sales.assign(price=-1.0), lazy=True)


def test_evidently_sees_drift(sales: pd.DataFrame, tmp_path: Path) -> None:
    from evidently import Dataset, Report
    from evidently.presets import DataDriftPreset

    before = sales[["area", "rooms", "city"]]
    after = before.assign(area=before["area"] * 3)
    result = Report([DataDriftPreset()]).run(Dataset.from_pandas(after), Dataset.from_pandas(before))
    drifted = next(metric for metric in result.dict()["metrics"] if "DriftedColumnsCount" in metric["metric_name"])
    assert drifted["value"]["count"] == 1
    result.save_html(str(tmp_path / "drift.html"))
    assert "area" in (tmp_path / "drift.html").read_text(encoding="utf-8")


def test_matplotlib_writes_a_picture(sales: pd.DataFrame, tmp_path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure()
    figure.subplots().scatter(sales["area"], sales["price"])
    figure.savefig(tmp_path / "plot.png")
    assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG")
