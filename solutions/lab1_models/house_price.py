"""House prices in King County: split by time, one estimator, honest cross-validation, a search, an artifact.

Each function imports what it alone needs, so that each exercise can be read by itself.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import pandas as pd

# The first day of the test set: the model learns from 2014 and is judged on 2015.
CUTOFF = "2015-01-01"

# The columns that the model may use: what is known about a house before its price is.
# fmt: off
# solution 1.2
FEATURES = [
    "bedrooms", "bathrooms", "sqft_living", "sqft_lot", "floors", "waterfront", "view", "condition", "grade",
    "sqft_above", "sqft_basement", "yr_built", "yr_renovated", "zipcode", "lat", "long", "sqft_living15", "sqft_lot15",
]
# end solution
#~ FEATURES: list[str] = []
# fmt: on


def split_by_time(sales: pd.DataFrame, cutoff: str | pd.Timestamp) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Split the sales into the past, to learn from, and the time after it, to be judged on.

    `train` holds the sales before `cutoff`, `test` the sales from `cutoff` on. A house (`id`) that was sold on both
    sides stays in `test` only. Rows keep their order; `sales` is not changed.

    Raises ValueError where one side would be empty.
    """
    # solution 1.1
    # The future: every sale from the cutoff on.
    cutoff = pd.Timestamp(cutoff)
    is_test = sales["date"] >= cutoff
    # The past: earlier sales, without the houses that the test set will ask about.
    is_sold_again = sales["id"].isin(sales.loc[is_test, "id"])
    is_train = (sales["date"] < cutoff) & ~is_sold_again
    # An empty side would train or judge on nothing: say so now, not three steps later.
    if not is_train.any() or not is_test.any():
        days = f"{sales['date'].min():%Y-%m-%d} to {sales['date'].max():%Y-%m-%d}"
        raise ValueError(f"a split at {cutoff:%Y-%m-%d} leaves one side empty: the sales run from {days}")
    return sales[is_train].copy(), sales[is_test].copy()
    # end solution


def build_model() -> Any:
    """Return a new, untrained estimator that takes the raw sales frame and predicts prices in USD.

    Everything that learns from data is inside: `model.fit(sales, sales["price"])`, then `model.predict(new_sales)`,
    where `new_sales` may have no `price`. Columns that are not in `FEATURES` change nothing. A `zipcode` with 30 sales
    or more counts as itself. One that was not in the training data gets a sensible value. It can be saved. It learns
    the logarithm of the price, and answers in dollars.
    """
    # solution 1.2
    import numpy as np
    from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
    from sklearn.ensemble import HistGradientBoostingRegressor
    from sklearn.model_selection import KFold
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import TargetEncoder

    # A zipcode is a name: replace it by the mean log price there. An unseen one gets the mean of all sales.
    encode_zipcode = TargetEncoder(target_type="continuous", cv=KFold(5, shuffle=True, random_state=0))
    # Only the columns named here get in; the rest (`id`, `price`, what is derived from it) is dropped.
    numbers = [name for name in FEATURES if name != "zipcode"]
    columns = ColumnTransformer([("numbers", "passthrough", numbers), ("zipcode", encode_zipcode, ["zipcode"])])
    # Trees split on order and need no scaling; for the same reason one house with 33 bedrooms does not bend them.
    trees = HistGradientBoostingRegressor(
        learning_rate=0.15, max_iter=150, max_leaf_nodes=15, max_features=0.5, early_stopping=False, random_state=0
    )
    # Learn log prices, where 10 % too much counts alike for a cottage and a villa; answer in dollars.
    pipeline = Pipeline([("columns", columns), ("trees", trees)])
    return TransformedTargetRegressor(pipeline, func=np.log1p, inverse_func=np.expm1)
    # end solution


def evaluate(model: Any, sales: pd.DataFrame) -> dict[str, float]:
    """Judge a trained model on `sales`: `rmse` and `mae` in USD, and `r2` (1 is perfect, 0 is the mean price).

    `sales` is not changed.
    """
    # solution 1.3
    from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

    # The model does not get to see the answers.
    actual = sales["price"]
    predicted = model.predict(sales.drop(columns="price"))
    return {
        "rmse": float(root_mean_squared_error(actual, predicted)),
        "mae": float(mean_absolute_error(actual, predicted)),
        "r2": float(r2_score(actual, predicted)),
    }
    # end solution


def cross_validate_model(model: Any, sales: pd.DataFrame, folds: int = 5) -> pd.DataFrame:
    """Judge `model` on each of `folds` parts of the sales, trained on the other parts.

    One row per fold, columns `rmse` and `mae` in USD, and `r2`, all measured on the part that was not trained on.
    A house (`id`) is never in two parts. `model` itself stays untrained, and gets columns of `sales` only.
    """
    # solution 1.3
    from sklearn.base import clone
    from sklearn.model_selection import GroupKFold

    # Group by house: a house that was sold twice must not be learned in one fold and asked for in another.
    splitter = GroupKFold(n_splits=folds, shuffle=True, random_state=0)
    rows = []
    for train_rows, test_rows in splitter.split(sales, groups=sales["id"]):
        train, test = sales.iloc[train_rows], sales.iloc[test_rows]
        # A fresh copy for each fold: nothing learned in one fold reaches the next.
        fitted = clone(model).fit(train.drop(columns="price"), train["price"])
        rows.append(evaluate(fitted, test))
    return pd.DataFrame(rows, index=pd.RangeIndex(1, folds + 1, name="fold"))
    # end solution


def tune_model(sales: pd.DataFrame, n_candidates: int = 20, seed: int = 0) -> tuple[Any, pd.DataFrame]:
    """Try `n_candidates` settings of `build_model()`, each validated on the time after its training data.

    Returns `(best_model, results)`. `best_model` is trained on all of `sales`. `results` has one row per candidate, and
    as columns each setting, `rmse` (mean over the validation folds, USD) and `rmse_std`. The same `seed` tries the same
    candidates. `sales` is not changed.
    """
    # solution 1.4
    from scipy.stats import loguniform, randint, uniform
    from sklearn.model_selection import RandomizedSearchCV, TimeSeriesSplit

    # Sort by date: only then are the first rows the past.
    ordered = sales.sort_values("date", kind="stable")
    # Each fold learns from the past and validates on what came next, with no house on both sides.
    folds = []
    for past, future in TimeSeriesSplit(n_splits=3).split(ordered):
        is_sold_again = ordered["id"].iloc[past].isin(ordered["id"].iloc[future]).to_numpy()
        folds.append((past[~is_sold_again], future))
    # Random candidates: each one tries a new value of every setting, which a grid does not.
    space = {
        "learning_rate": loguniform(0.05, 0.3),
        "max_leaf_nodes": randint(8, 32),
        "min_samples_leaf": randint(5, 50),
        "max_features": uniform(0.3, 0.7),
        "l2_regularization": loguniform(0.001, 10),
    }
    prefix = "regressor__trees__"
    search = RandomizedSearchCV(
        build_model(),
        {prefix + name: values for name, values in space.items()},
        n_iter=n_candidates,
        scoring="neg_root_mean_squared_error",
        cv=folds,
        random_state=seed,
        error_score="raise",
    )
    # The search trains the best candidate once more, on all the sales.
    search.fit(ordered.drop(columns="price"), ordered["price"])
    results = pd.DataFrame(search.cv_results_["params"]).rename(columns=lambda name: name.removeprefix(prefix))
    # scikit-learn maximises, so it scores with the negative error: turn it back into dollars.
    results["rmse"] = -search.cv_results_["mean_test_score"]
    results["rmse_std"] = search.cv_results_["std_test_score"]
    return search.best_estimator_, results.sort_values("rmse", ignore_index=True)
    # end solution


def save_model(model: Any, train: pd.DataFrame, test: pd.DataFrame, folder: str | Path) -> Path:
    """Save a model that was trained on `train`, with all that a service has to know about it; return the folder.

    Besides the metrics on `test`: the zipcodes that it has seen, and its likely range. Of ten houses in `test`, eight
    were sold for `low` times to `high` times what the model said.
    """
    from mlops_lab.artifacts import save_artifact

    features = FEATURES or [name for name in train.columns if name != "price"]
    low, high = (test["price"] / model.predict(test[features])).quantile([0.1, 0.9])
    extra = {
        "zipcodes": sorted({int(zipcode) for zipcode in train["zipcode"]}),
        "likely_range": {"low": round(float(low), 4), "high": round(float(high), 4), "share": 0.8},
    }
    known, dates, metrics = train[features], train["date"], evaluate(model, test)
    return save_artifact(folder, model, name="house_price", metrics=metrics, features=known, dates=dates, extra=extra)


def main(arguments: list[str] | None = None) -> None:
    """Train on 2014, evaluate on 2015, write the artifact and print the table."""
    from sklearn.dummy import DummyRegressor

    from mlops_lab.datasets import load_house_sales

    parser = argparse.ArgumentParser(prog="python -m lab1_models.house_price", description=main.__doc__)
    parser.add_argument("--out", type=Path, default=Path("artifacts/house_price"), help="folder of the artifact")
    parser.add_argument("--candidates", type=int, default=0, metavar="N", help="search N settings first (default: 0)")
    options = parser.parse_args(arguments)

    # Train on the past.
    train, test = split_by_time(load_house_sales(), CUTOFF)
    features = FEATURES or [name for name in train.columns if name != "price"]
    if options.candidates:
        model, _ = tune_model(train, options.candidates)
    else:
        model = build_model()
    model.fit(train[features], train["price"])

    # Judge on the time after it, beside a baseline and beside what cross-validation promised.
    baseline = DummyRegressor().fit(train[features], train["price"])
    table = pd.DataFrame(
        {
            "mean price, on 2015": evaluate(baseline, test),
            "model, cross-validated in 2014": cross_validate_model(model, train).mean().to_dict(),
            "model, on 2015": evaluate(model, test),
        }
    ).T
    print(table.to_string(formatters={"rmse": "{:,.0f}".format, "mae": "{:,.0f}".format, "r2": "{:.3f}".format}))

    # Keep the model together with what is known about it.
    print(f"artifact: {save_model(model, train, test, options.out)}")


if __name__ == "__main__":
    main()
