"""Compute every figure that the guide of week 1 states, and draw its pictures.

    python -m weeks.week1_models.figures            compute; write figures.json, the figures in the guide, the pictures
    python -m weeks.week1_models.figures --check    compute and compare with figures.json; write nothing
    python -m weeks.week1_models.figures --write    compute nothing; write guide and pictures from figures.json

It takes about a minute. Prices and errors are in USD; cross-validated figures are means over five folds.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import chdir, contextmanager, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mlops_lab.datasets import load_flowers, load_house_sales, load_purchases
from weeks.guide_figures import ROOT, Figures, run, verdict
from weeks.week1_models.drawing import draw

WEEK = Path(__file__).resolve().parent
AS_OF = "1998-03-31"


def house_facts() -> Figures:
    """What is in the sales, before any model."""
    from lab1_models.house_price import CUTOFF

    sales = load_house_sales()
    before = sales["date"] < CUTOFF
    repeated = sales[sales["id"].duplicated(keep=False)].sort_values(["id", "date"]).groupby("id")["price"]
    odd = sales.nlargest(1, "bedrooms")
    return {
        "sales": len(sales),
        "highest_price": float(sales["price"].max()),
        "lowest_price": float(sales["price"].min()),
        "houses_on_both_sides": len(set(sales.loc[before, "id"]) & set(sales.loc[~before, "id"])),
        "resale_percent": 100 * (float((repeated.last() / repeated.first()).median()) - 1),
        "odd_price": float(odd["price"].iloc[0]),
        "odd_sqft": float(odd["sqft_living"].iloc[0]),
    }


def split_figures() -> Figures:
    """The same model judged in time and by random folds; houses that were sold twice; the months after training."""
    from sklearn.dummy import DummyRegressor
    from sklearn.metrics import root_mean_squared_error
    from sklearn.model_selection import GroupKFold, KFold

    from lab1_models.house_price import CUTOFF, build_model, cross_validate_model, evaluate, split_by_time

    sales = load_house_sales()
    train, test = split_by_time(sales, CUTOFF)
    model = build_model().fit(train, train["price"])
    later = evaluate(model, test)
    grouped = cross_validate_model(build_model(), sales)
    mean_price = cross_validate_model(DummyRegressor(), sales).mean()
    random = absolute_errors(KFold(5, shuffle=True, random_state=0).split(sales), sales)
    by_house = absolute_errors(GroupKFold(5, shuffle=True, random_state=0).split(sales, groups=sales["id"]), sales)
    is_twice = sales["id"].duplicated(keep=False)
    predicted = model.predict(test)
    residuals = test["price"] - predicted
    months = test["date"].dt.month
    random_mae = float(random.mean())
    return {
        "time_mae": later["mae"],
        "random_mae": random_mae,
        "twice_random_mae": float(random[is_twice].mean()),
        "twice_grouped_mae": float(by_house[is_twice].mean()),
        "flatters_percent": 100 * (later["mae"] / random_mae - 1),
        "grouped_mae": float(grouped["mae"].mean()),
        "grouped_mae_std": float(grouped["mae"].std()),
        "grouped_rmse": float(grouped["rmse"].mean()),
        "grouped_rmse_std": float(grouped["rmse"].std()),
        "grouped_r2": float(grouped["r2"].mean()),
        "mean_mae": float(mean_price["mae"]),
        "log_rmse": float(root_mean_squared_error(np.log(test["price"]), np.log(predicted))),
        "promised_mae": float(cross_validate_model(build_model(), train)["mae"].mean()),
        "monthly_mae": residuals.abs().groupby(months).mean().tolist(),
        "may_mae": float(residuals[months == 5].abs().mean()),
        "may_median": float(residuals[months == 5].median()),
    }


def model_figures() -> Figures:
    """What a leak, a zipcode read as a number, and a log target do."""
    from sklearn.preprocessing import StandardScaler

    from lab1_models.house_price import build_model, cross_validate_model

    sales = load_house_sales()
    leaking = sales.assign(price_per_sqft=sales["price"] / sales["sqft_living"])
    with one_more_feature("price_per_sqft"):
        leak = cross_validate_model(build_model(), leaking).mean()
    without_log = cross_validate_model(build_model().regressor, sales).mean()
    found: Figures = {"leak_r2": leak["r2"], "no_log_mae": without_log["mae"]}
    for name, encoder in {"none": None, "number": StandardScaler(), "one_hot": one_hot()}.items():
        found[f"linear_{name}_r2"] = cross_validate_model(linear_model(encoder), sales)["r2"].mean()
    return found


def odd_house_figures() -> Figures:
    """What models that never saw the house with 33 bedrooms say about it, bedroom by bedroom."""
    from lab1_models.house_price import build_model

    sales = load_house_sales()
    odd = sales["bedrooms"].idxmax()
    others, house = sales.drop(index=odd), sales.loc[[odd]]
    trees = build_model().fit(others, others["price"])
    linear = linear_model(one_hot()).fit(others, others["price"])
    # The same two, trained with that house as well.
    bent_trees = build_model().fit(sales, sales["price"])
    bent_linear = linear_model(one_hot()).fit(sales, sales["price"])
    houses = pd.concat([house.assign(bedrooms=number) for number in range(1, 34)])
    by_line, by_trees = linear.predict(houses), trees.predict(houses)
    return {
        "odd_linear": by_line.tolist(),
        "odd_trees": by_trees.tolist(),
        "odd_linear_3": by_line[2],
        "odd_linear_33": by_line[32],
        "odd_trees_3": by_trees[2],
        "odd_trees_33": by_trees[32],
        "bedroom_percent": 100 * abs(usd_per_bedroom(bent_linear) / usd_per_bedroom(linear) - 1),
        "trees_percent": 100 * float(np.mean(np.abs(bent_trees.predict(others) / trees.predict(others) - 1))),
    }


def tuning_figures() -> Figures:
    """A search of 20 candidates on 2014, beside the settings that `build_model` has."""
    from sklearn.model_selection import TimeSeriesSplit

    from lab1_models.house_price import CUTOFF, build_model, evaluate, split_by_time, tune_model

    train, test = split_by_time(load_house_sales(), CUTOFF)
    ordered = train.sort_values("date", kind="stable")
    known = []
    for before, after in TimeSeriesSplit(n_splits=3).split(ordered):
        past, future = ordered.iloc[before], ordered.iloc[after]
        past = past[~past["id"].isin(future["id"])]
        known.append(evaluate(build_model().fit(past, past["price"]), future)["rmse"])
    best, results = tune_model(train, n_candidates=20, seed=0)
    return {
        "default_validated_rmse": sum(known) / len(known),
        "best_validated_rmse": float(results["rmse"].iloc[0]),
        "best_validated_std": float(results["rmse_std"].iloc[0]),
        "tuned_mae": evaluate(best, test)["mae"],
    }


def script_figures() -> Figures:
    """What `python -m lab1_models.house_price` prints, and `lab check` on a wrong answer."""
    from lab1_models.house_price import main as train

    with tempfile.TemporaryDirectory() as folder, redirect_stdout(StringIO()) as printed, chdir(folder):
        train([])
    return {"script_output": printed.getvalue(), "verdict": verdict("lab1_models", "1.1_house_on_both_sides")}


def iris_figures() -> Figures:
    """The classifiers, and what folds without shuffling say."""
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import KFold, cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    from lab1_models.iris import compare_classifiers, confusion

    flowers = load_flowers()
    table = compare_classifiers(seed=0)
    means = {str(name): float(mean) for name, mean in table["accuracy_mean"].items()}
    logistic = make_pipeline(StandardScaler(), LogisticRegression())
    unshuffled = cross_val_score(logistic, flowers.drop(columns="species"), flowers["species"], cv=KFold(3))
    counts = confusion(LinearDiscriminantAnalysis(), seed=0)
    right = counts.to_numpy().diagonal()
    return {
        "dummy_accuracy": means["dummy"],
        "logistic_accuracy": means["logistic regression"],
        "logistic_std": float(table["accuracy_std"].to_dict()["logistic regression"]),
        "best_accuracy": max(means.values()),
        "unshuffled_accuracy": float(unshuffled.mean()),
        "lda_wrong": int(len(flowers) - right.sum()),
        "setosa_wrong": int(50 - right[list(counts.index).index("setosa")]),
    }


def customer_figures() -> Figures:
    """How recency drifts, what the segments did next quarter, and what a look ahead pretends."""
    from sklearn.cluster import KMeans

    from lab1_models.customers import choose_k, profile_segments, rfm, segment_customers

    purchases = load_purchases()
    table = rfm(purchases, AS_OF)
    came_back = pd.Series(table.index.isin(purchases.loc[purchases["date"] > AS_OF, "customer_id"]), index=table.index)
    found: Figures = {"customers": len(table), "came_back_percent": 100 * float(came_back.mean())}
    for name, day in {"q1": "1997-03-31", "q2": "1997-06-30", "q3": "1997-09-30", "q4": "1997-12-31"}.items():
        found[f"recency_{name}"] = float(rfm(purchases, day)["recency_days"].mean())
    found["recency_next"] = float(table["recency_days"].mean())
    found |= numbered("silhouette", choose_k(table, [2, 3, 4])["silhouette"], first=2)
    for k in (2, 4):
        found |= numbered(f"came_back_{k}", 100 * came_back.groupby(segment_customers(table, k=k)).mean())
    profile = profile_segments(table, segment_customers(table, k=4))
    found |= numbered("size", profile["customers"])
    found |= numbered("revenue_percent", 100 * profile["revenue_share"])
    unscaled = pd.Series(KMeans(4, n_init=5, random_state=0).fit_predict(table)).value_counts()
    found |= {"unscaled_largest": int(unscaled.max()), "unscaled_smallest": int(unscaled.min())}
    ahead = segment_customers(rfm(purchases, "1998-06-30"))
    rates = 100 * came_back.groupby(ahead).mean()
    return found | {"ahead_worst": float(rates.min()), "ahead_best": float(rates.max())}


def absolute_errors(folds: Iterable[tuple[Any, Any]], sales: pd.DataFrame) -> pd.Series:
    """The absolute error on each sale, by a model that was trained on the other folds."""
    from lab1_models.house_price import build_model

    errors = pd.Series(0.0, index=sales.index)
    for known, asked in folds:
        fitted = build_model().fit(sales.iloc[known], sales["price"].iloc[known])
        errors.iloc[asked] = (fitted.predict(sales.iloc[asked]) - sales["price"].iloc[asked]).abs()
    return errors


def numbered(name: str, values: pd.Series, first: int = 0) -> Figures:
    """`name_0`, `name_1` … for the values in their order."""
    return {f"{name}_{number}": float(value) for number, value in enumerate(values, start=first)}


def one_hot() -> Any:
    """An encoder that answers for a zipcode that it never saw."""
    from sklearn.preprocessing import OneHotEncoder

    return OneHotEncoder(handle_unknown="ignore", sparse_output=False)


def linear_model(zipcode_encoder: Any) -> Any:
    """Ridge regression on the columns of `FEATURES`; without an encoder, `zipcode` is left out."""
    from sklearn.compose import ColumnTransformer
    from sklearn.linear_model import Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    from lab1_models.house_price import FEATURES

    columns = [("numbers", StandardScaler(), [name for name in FEATURES if name != "zipcode"])]
    if zipcode_encoder is not None:
        columns.append(("zipcode", zipcode_encoder, ["zipcode"]))
    return make_pipeline(ColumnTransformer(columns), Ridge())


def usd_per_bedroom(model: Any) -> float:
    """What one bedroom more changes in the price that a fitted `linear_model` predicts."""
    scaler = model.named_steps["columntransformer"].named_transformers_["numbers"]
    place = list(scaler.feature_names_in_).index("bedrooms")
    return float(model.named_steps["ridge"].coef_[place] / scaler.scale_[place])


@contextmanager
def one_more_feature(name: str) -> Iterator[None]:
    """Let `build_model` use one column more."""
    from lab1_models.house_price import FEATURES

    FEATURES.append(name)
    try:
        yield
    finally:
        FEATURES.remove(name)


# Groups of figures by name. The tests compute the quick ones again.
GROUPS = {
    "house facts": house_facts,
    "iris": iris_figures,
    "customers": customer_figures,
    "odd house": odd_house_figures,
    "models": model_figures,
    "splits": split_figures,
    "script": script_figures,
    "tuning": tuning_figures,
}
QUICK = ("house facts", "iris", "customers")


def main() -> int:
    """Measure, then write or compare."""
    # The figures are those of the reference solution.
    sys.path.insert(0, str(ROOT / "solutions"))
    return run(__doc__ or "", WEEK, GROUPS, draw)


if __name__ == "__main__":
    sys.exit(main())
