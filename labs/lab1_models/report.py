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
    # TODO 1.9: Report what you found
    raise NotImplementedError


def iris_section(seed: int, folder: Path) -> str:
    """Markdown: the table of `compare_classifiers`, and the confusion matrix of one classifier as a plot.

    `seed` draws the folds of both.
    """
    # TODO 1.9: Report what you found
    raise NotImplementedError


def customer_section(purchases: pd.DataFrame, seed: int, folder: Path) -> str:
    """Markdown: numbers of segments compared, the segments described and tested on what came next, with a plot.

    All of it as of `AS_OF`: the tables of `choose_k` (for some numbers of segments) and of `profile_segments`, and the
    share of each segment that bought something in the quarter after. `seed` draws the starts of the segments, which
    the plot shows.
    """
    # TODO 1.9: Report what you found
    raise NotImplementedError


def markdown_table(frame: pd.DataFrame, digits: Sequence[int]) -> str:
    """The frame as a Markdown table, its index first; `digits` says how many decimals each column gets."""
    lines = [[str(frame.index.name or ""), *map(str, frame.columns)], ["---"] + ["---:"] * len(frame.columns)]
    for name, row in zip(frame.index, frame.itertuples(index=False), strict=True):
        values = zip(row, digits, strict=True)
        lines.append([str(name), *(f"{value:,.{places}f}" for value, places in values)])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


if __name__ == "__main__":
    print(write_report("reports/week1"))
