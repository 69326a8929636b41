"""The report of the week: all models compared, as Markdown with plots. Every figure in it is computed.

Each function imports what it alone needs, so that each exercise can be read by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from mlops_lab.datasets import load_house_sales, load_purchases
from mlops_lab.files import write_atomically

# Houses: learn before this day, judge from it on. Customers: describe them as of that day, look at what came next.
CUTOFF = "2015-01-01"
AS_OF = "1998-03-31"


def write_report(
    folder: str | Path, sales: pd.DataFrame | None = None, purchases: pd.DataFrame | None = None, seed: int = 0
) -> Path:
    """Write `report.md` and its plots into `folder` (made where it is missing) and return the path of the report.

    `sales` and `purchases` are the data to report on; without them, all the data of the course. `seed` draws the folds
    of the iris models and the starts of the segments.
    """
    folder = Path(folder)
    sections = [
        house_price_section(load_house_sales() if sales is None else sales, folder),
        iris_section(seed, folder),
        customer_section(load_purchases() if purchases is None else purchases, seed, folder),
    ]
    return write_atomically(folder / "report.md", "\n\n".join(["# Models of week 1", *sections]) + "\n")


def house_price_section(sales: pd.DataFrame, folder: Path) -> str:
    """Markdown: mean price, a linear model and `build_model()` compared, with two plots.

    Says how many of the `sales` are to learn from (before `CUTOFF`) and how many to be judged on. Has RMSE, MAE (USD)
    and R² of each model: cross-validated (means over the folds), and from `CUTOFF` on. The plots show `build_model()`
    from `CUTOFF` on: predicted against actual price, and the residuals by month.
    """
    # solution 1.9
    from sklearn.compose import ColumnTransformer
    from sklearn.dummy import DummyRegressor
    from sklearn.linear_model import Ridge
    from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    from lab1_models.house_price import build_model, cross_validate_model, split_by_time
    from mlops_lab import plots

    # Beside the model: the mean, and a linear model of what a buyer would ask first. What do the trees add?
    numbers = ["sqft_living", "bathrooms", "grade", "condition", "view", "yr_built", "lat", "sqft_living15"]
    places = OneHotEncoder(handle_unknown="ignore")
    columns = ColumnTransformer([("numbers", StandardScaler(), numbers), ("zipcode", places, ["zipcode"])])
    models = {
        "mean price": DummyRegressor(),
        "ridge regression": make_pipeline(columns, Ridge()),
        "build_model()": build_model(),
    }
    # Twice judged: on houses it has not seen, and on a time it has not seen.
    train, test = split_by_time(sales, CUTOFF)
    rows, predictions = {}, {}
    for name, model in models.items():
        validated = cross_validate_model(model, sales).mean()
        model.fit(train.drop(columns="price"), train["price"])
        predicted = pd.Series(model.predict(test.drop(columns="price")), index=test.index)
        predictions[name] = predicted
        rows[name] = {
            "RMSE, cross-validated (USD)": validated["rmse"],
            "MAE, cross-validated (USD)": validated["mae"],
            "R², cross-validated": validated["r2"],
            f"RMSE from {CUTOFF} on (USD)": root_mean_squared_error(test["price"], predicted),
            f"MAE from {CUTOFF} on (USD)": mean_absolute_error(test["price"], predicted),
            f"R² from {CUTOFF} on": r2_score(test["price"], predicted),
        }
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("model")
    # The plots show the model that would go into service.
    predicted = predictions["build_model()"]
    plots.save_png(plots.predicted_against_actual(test["price"], predicted), folder / "predicted_against_actual.png")
    residuals = plots.residuals_by_month(test["date"], test["price"], predicted)
    plots.save_png(residuals, folder / "residuals_by_month.png")
    return "\n\n".join(
        [
            "## House prices",
            f"{len(sales):,} sales; {len(train):,} of them to learn from and {len(test):,} from {CUTOFF} on.",
            markdown_table(table, [0, 0, 3, 0, 0, 3]),
            "![Predicted against actual price](predicted_against_actual.png)",
            "![Residuals by month](residuals_by_month.png)",
            markdown_table(residuals.data, [0, 0, 0, 0, 0]),
        ]
    )
    # end solution


def iris_section(seed: int, folder: Path) -> str:
    """Markdown: the table of `compare_classifiers`, and the confusion matrix of one classifier as a plot.

    `seed` draws the folds of both.
    """
    # solution 1.9
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    from lab1_models.iris import compare_classifiers, confusion
    from mlops_lab import plots

    counts = confusion(LinearDiscriminantAnalysis(), seed=seed)
    plots.save_png(plots.confusion_matrix(counts), folder / "confusion_matrix.png")
    # On the diagonal, truth and prediction agree.
    right = sum(counts.loc[name, name] for name in counts.index)
    total = counts.to_numpy().sum()
    return "\n\n".join(
        [
            "## Iris",
            markdown_table(compare_classifiers(seed=seed), [3, 3]),
            f"Linear discriminant analysis names {right} of {total} flowers rightly:",
            "![Confusion matrix](confusion_matrix.png)",
            markdown_table(counts, [0] * len(counts.columns)),
        ]
    )
    # end solution


def customer_section(purchases: pd.DataFrame, seed: int, folder: Path) -> str:
    """Markdown: numbers of segments compared, the segments described and tested on what came next, with a plot.

    All of it as of `AS_OF`: the tables of `choose_k` (for some numbers of segments) and of `profile_segments`, and the
    share of each segment that bought something in the quarter after. `seed` draws the starts of the segments, which
    the plot shows.
    """
    # solution 1.9
    from lab1_models.customers import choose_k, profile_segments, rfm, segment_customers
    from mlops_lab import plots

    table = rfm(purchases, AS_OF)
    labels = segment_customers(table, k=4, seed=seed)
    profile = profile_segments(table, labels)
    # The test from outside: who came back in the quarter after the day on which the segments were made?
    next_quarter = pd.Timestamp(AS_OF) + pd.offsets.QuarterEnd()
    later = purchases[(purchases["date"] > AS_OF) & (purchases["date"] <= next_quarter)]
    came_back = pd.Series(table.index.isin(later["customer_id"]), index=table.index)
    profile["bought next quarter"] = came_back.groupby(labels).mean()
    plots.save_png(plots.segments(table, labels), folder / "segments.png")
    return "\n\n".join(
        [
            "## Customers",
            f"{len(table):,} customers as of {AS_OF}.",
            markdown_table(choose_k(table, [2, 3, 4, 5]), [0, 3]),
            markdown_table(profile, [0, 0, 1, 2, 3, 3]),
            "![Customer segments](segments.png)",
        ]
    )
    # end solution


def markdown_table(frame: pd.DataFrame, digits: Sequence[int]) -> str:
    """The frame as a Markdown table, its index first; `digits` says how many decimals each column gets."""
    lines = [[str(frame.index.name or ""), *map(str, frame.columns)], ["---"] + ["---:"] * len(frame.columns)]
    for name, row in zip(frame.index, frame.itertuples(index=False), strict=True):
        values = zip(row, digits, strict=True)
        lines.append([str(name), *(f"{value:,.{places}f}" for value, places in values)])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


if __name__ == "__main__":
    print(write_report("reports/week1"))
