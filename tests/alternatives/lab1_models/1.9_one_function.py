# exercise: 1.9
# file: report.py
# accepted: pyplot, plots in a folder below, tables by hand, HTML picture tags, the table of models turned

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline

from lab1_models.customers import choose_k, profile_segments, rfm, segment_customers
from lab1_models.house_price import build_model, cross_validate_model, evaluate, split_by_time
from lab1_models.iris import compare_classifiers, confusion


def rows_of(frame):
    lines = ["|" + "|".join(["", *map(str, frame.columns)]) + "|", "|---" * (len(frame.columns) + 1) + "|"]
    return lines + [
        f"|{name}|" + "|".join(f"{value:#.4g}" for value in row) + "|"
        for name, row in zip(frame.index, frame.to_numpy(), strict=True)
    ]


def picture(folder, fig, name):
    (folder / "plots").mkdir(parents=True, exist_ok=True)
    fig.savefig(folder / "plots" / f"{name}.png", dpi=60)
    plt.close(fig)
    return f'<img alt="{name}" src="plots/{name.replace(" ", "%20")}.png">'


def house_price_section(sales, folder):
    numbers = ["sqft_living", "grade", "lat"]
    train, test = split_by_time(sales, CUTOFF)
    columns = {}
    for name, model in {
        "baseline": DummyRegressor(),
        "linear": make_pipeline(ColumnTransformer([("numbers", "passthrough", numbers)]), LinearRegression()),
        "boosted trees": build_model(),
    }.items():
        cv = cross_validate_model(model, sales, folds=3).mean()
        model.fit(train, train["price"])
        columns[name] = {f"CV {metric}": value for metric, value in cv.items()} | evaluate(model, test)
    predicted = model.predict(test)
    lines = ["## House prices", f"{len(sales)} sales = {len(train)} + {len(test)} + sold again"]
    lines += ["", *rows_of(pd.DataFrame(columns)), ""]
    fig, ax = plt.subplots()
    ax.scatter(test["price"], predicted)
    lines.append(picture(folder, fig, "predicted vs actual"))
    fig, ax = plt.subplots()
    residual = test["price"] - predicted
    ax.boxplot([residual[test["date"].dt.month == month] for month in sorted(test["date"].dt.month.unique())])
    return "\n".join([*lines, picture(folder, fig, "residuals")])


def iris_section(seed, folder):
    counts = confusion(LogisticRegression(max_iter=1000), seed)
    fig, ax = plt.subplots()
    ax.matshow(counts)
    return "\n".join(["## Classifiers", *rows_of(compare_classifiers(seed)), "", picture(folder, fig, "confusion")])


def customer_section(purchases, seed, folder):
    table = rfm(purchases, AS_OF)
    segments = segment_customers(table, 3, seed)
    quarter = purchases[purchases["date"].between("1998-04-01", "1998-06-30")]
    back = np.isin(table.index, quarter["customer_id"].unique())
    shares = profile_segments(table, segments).assign(back=[back[segments == n].mean() for n in range(3)])
    lines = ["## Customer segments", f"{len(table)} customers", "", *rows_of(shares), ""]
    lines += [*rows_of(choose_k(table, [2, 3, 4])), ""]
    fig, ax = plt.subplots()
    ax.scatter(table["recency_days"], table["monetary"], c=segments)
    return "\n".join([*lines, picture(folder, fig, "segments")])
