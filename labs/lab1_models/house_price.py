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
# TODO 1.2: Put everything that learns into one estimator
FEATURES: list[str] = []
# fmt: on


def split_by_time(sales: pd.DataFrame, cutoff: str | pd.Timestamp) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Split the sales into the past, to learn from, and the time after it, to be judged on.

    `train` holds the sales before `cutoff`, `test` the sales from `cutoff` on. A house (`id`) that was sold on both
    sides stays in `test` only. Rows keep their order; `sales` is not changed.

    Raises ValueError where one side would be empty.
    """
    # TODO 1.1: Split by time
    raise NotImplementedError


def build_model() -> Any:
    """Return a new, untrained estimator that takes the raw sales frame and predicts prices in USD.

    Everything that learns from data is inside: `model.fit(sales, sales["price"])`, then `model.predict(new_sales)`,
    where `new_sales` may have no `price`. Columns that are not in `FEATURES` change nothing. A `zipcode` with 30 sales
    or more counts as itself. One that was not in the training data gets a sensible value. It can be saved. It learns
    the logarithm of the price, and answers in dollars.
    """
    # TODO 1.2: Put everything that learns into one estimator
    raise NotImplementedError


def evaluate(model: Any, sales: pd.DataFrame) -> dict[str, float]:
    """Judge a trained model on `sales`: `rmse` and `mae` in USD, and `r2` (1 is perfect, 0 is the mean price).

    `sales` is not changed.
    """
    # TODO 1.3: Cross-validate without fooling yourself
    raise NotImplementedError


def cross_validate_model(model: Any, sales: pd.DataFrame, folds: int = 5) -> pd.DataFrame:
    """Judge `model` on each of `folds` parts of the sales, trained on the other parts.

    One row per fold, columns `rmse` and `mae` in USD, and `r2`, all measured on the part that was not trained on.
    A house (`id`) is never in two parts. `model` itself stays untrained, and gets columns of `sales` only.
    """
    # TODO 1.3: Cross-validate without fooling yourself
    raise NotImplementedError


def tune_model(sales: pd.DataFrame, n_candidates: int = 20, seed: int = 0) -> tuple[Any, pd.DataFrame]:
    """Try `n_candidates` settings of `build_model()`, each validated on the time after its training data.

    Returns `(best_model, results)`. `best_model` is trained on all of `sales`. `results` has one row per candidate, and
    as columns each setting, `rmse` (mean over the validation folds, USD) and `rmse_std`. The same `seed` tries the same
    candidates. `sales` is not changed.
    """
    # TODO 1.4: Tune without looking into the future
    raise NotImplementedError


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
