"""What the reference solution of lab 1 reaches on all the data, from the raw files. Prices are in USD."""

import pandas as pd
import pytest

from lab1_models.customers import rfm, segment_customers
from lab1_models.house_price import (
    FEATURES,
    build_model,
    cross_validate_model,
    evaluate,
    main,
    split_by_time,
    tune_model,
)
from lab1_models.iris import compare_classifiers
from lab1_models.report import write_report
from mlops_lab.artifacts import load_artifact
from mlops_lab.datasets import load_house_sales, load_purchases


@pytest.fixture(scope="module")
def sales() -> pd.DataFrame:
    return load_house_sales()


def test_house_prices_in_grouped_cross_validation(sales: pd.DataFrame) -> None:
    scores = cross_validate_model(build_model(), sales, folds=5)
    assert len(scores) == 5
    assert scores["rmse"].mean() <= 122_000
    assert scores["r2"].mean() >= 0.885


def test_house_prices_of_2015_learned_from_2014(sales: pd.DataFrame) -> None:
    train, test = split_by_time(sales, "2015-01-01")
    assert not set(train["id"]) & set(test["id"])
    assert evaluate(build_model().fit(train, train["price"]), test)["mae"] <= 76_000


def test_the_model_uses_nothing_but_its_features(sales: pd.DataFrame) -> None:
    part = sales.sample(1_000, random_state=0)
    leaking = part.assign(price_per_sqft=part["price"] / part["sqft_living"])
    plain = build_model().fit(part[FEATURES], part["price"])
    tempted = build_model().fit(leaking, leaking["price"])
    assert (plain.predict(part) == tempted.predict(leaking)).all()


def test_one_wrong_row_does_not_bend_the_model(sales: pd.DataFrame) -> None:
    part = sales.sample(1_500, random_state=1)
    wrong = part.copy()
    wrong.loc[wrong.index[0], "bedrooms"] = 33
    before = build_model().fit(part, part["price"]).predict(part.iloc[1:])
    after = build_model().fit(wrong, wrong["price"]).predict(part.iloc[1:])
    assert abs(after / before - 1).mean() < 0.02


def test_a_search_returns_a_row_per_candidate_and_a_trained_model(sales: pd.DataFrame) -> None:
    part = sales.sample(500, random_state=2)
    model, results = tune_model(part, n_candidates=2, seed=1)
    assert len(results) == 2 and results["rmse"].is_monotonic_increasing
    assert results["rmse"].between(50_000, 400_000).all()
    assert model.predict(part.drop(columns="price")).shape == (500,)
    assert results.equals(tune_model(part, n_candidates=2, seed=1)[1])


def test_iris_best_model() -> None:
    table = compare_classifiers()
    assert table["accuracy_mean"].max() >= 0.97
    assert table.loc["dummy", "accuracy_mean"] == pytest.approx(1 / 3)


def test_the_top_segment_buys_ten_times_as_often_as_the_bottom_one() -> None:
    purchases = load_purchases()
    table = rfm(purchases, "1998-03-31")
    labels = segment_customers(table, k=4)
    next_quarter = purchases[purchases["date"].between("1998-04-01", "1998-06-30")]
    came_back = pd.Series(table.index.isin(next_quarter["customer_id"]), index=table.index)
    rate = came_back.groupby(labels).mean()
    assert rate.is_monotonic_increasing
    assert rate[3] >= 10 * rate[0]


def test_the_script_writes_an_artifact_that_predicts(tmp_path, capsys, sales: pd.DataFrame) -> None:
    main(["--out", str(tmp_path / "house_price")])
    assert "model, on 2015" in capsys.readouterr().out
    artifact = load_artifact(tmp_path / "house_price")
    assert list(artifact.metadata.features) == FEATURES
    assert artifact.metadata.last_date == "2014-12-31"
    assert artifact.metadata.metrics["mae"] <= 76_000
    assert (artifact.model.predict(sales.head(3)[FEATURES]) > 0).all()


def test_the_report_follows_its_data(tmp_path, sales: pd.DataFrame) -> None:
    path = write_report(tmp_path / "report", sales=sales.sample(300, random_state=3))
    text = path.read_text(encoding="utf-8")
    pictures = {picture.name for picture in path.parent.glob("*.png")}
    assert len(pictures) == 4
    assert all(f"]({name})" in text for name in pictures)
    assert "300 sales" in text
