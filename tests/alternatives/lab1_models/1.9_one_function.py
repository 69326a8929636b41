# exercise: 1.9
# file: report.py
# accepted: one function, pyplot, plots in a folder below, tables by hand, HTML picture tags

import matplotlib.pyplot as plt
import numpy as np
from sklearn.linear_model import LogisticRegression

from lab1_models.customers import choose_k, profile_segments, rfm, segment_customers
from lab1_models.house_price import build_model, cross_validate_model, split_by_time
from lab1_models.iris import compare_classifiers, confusion


def rows_of(frame):
    lines = ["|" + "|".join(["", *map(str, frame.columns)]) + "|", "|---" * (len(frame.columns) + 1) + "|"]
    return lines + [
        f"|{name}|" + "|".join(f"{value:.4g}" for value in row) + "|"
        for name, row in zip(frame.index, frame.to_numpy(), strict=True)
    ]


def write_report(folder):
    folder = Path(folder)
    (folder / "plots").mkdir(parents=True, exist_ok=True)
    sales, purchases = load_house_sales(), load_purchases()
    lines = ["# Report", "", "## House price model"]
    lines += rows_of(cross_validate_model(build_model(), sales, folds=3))
    train, test = split_by_time(sales, "2015-01-01")
    predicted = build_model().fit(train, train["price"]).predict(test)
    lines += ["", f"MAE in 2015: {np.mean(np.abs(predicted - test['price'])):,.0f} USD"]
    fig, ax = plt.subplots()
    ax.scatter(test["price"], predicted)
    fig.savefig(folder / "plots" / "predicted vs actual.png")
    fig, ax = plt.subplots()
    residual = test["price"] - predicted
    ax.boxplot([residual[test["date"].dt.month == month] for month in sorted(test["date"].dt.month.unique())])
    fig.savefig(folder / "plots" / "residuals.png", dpi=60)
    lines += ["", "## Classifiers", *rows_of(compare_classifiers())]
    counts = confusion(LogisticRegression(max_iter=1000))
    fig, ax = plt.subplots()
    ax.matshow(counts)
    fig.savefig(str(folder / "plots" / "confusion"))
    table = rfm(purchases, "1998-03-31")
    segments = segment_customers(table)
    lines += [
        "",
        "## Customer segments",
        *rows_of(profile_segments(table, segments)),
        *rows_of(choose_k(table, [2, 3, 4])),
    ]
    fig, ax = plt.subplots()
    ax.scatter(table["recency_days"], table["monetary"], c=segments)
    fig.savefig(folder / "plots" / "segments.png")
    plt.close("all")
    for name in ("predicted%20vs%20actual", "residuals", "confusion", "segments"):
        lines += ["", f'<img alt="{name}" src="plots/{name}.png">']
    path = folder / "week1.md"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path
