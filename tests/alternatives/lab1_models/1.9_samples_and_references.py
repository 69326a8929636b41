# exercise: 1.9
# file: report.py
# accepted: works on a sample of 3,000 sales, figures as a list, pictures by reference

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from sklearn.ensemble import RandomForestClassifier

from lab1_models.customers import profile_segments, rfm, segment_customers
from lab1_models.house_price import build_model, cross_validate_model
from lab1_models.iris import compare_classifiers, confusion
from mlops_lab import datasets


def draw(path, kind, *data):
    figure = Figure(figsize=(4, 3))
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    getattr(axes, kind)(*data)
    with open(path, "wb") as stream:
        figure.savefig(stream, format="png")
    return path.name


def write_report(folder):
    folder.mkdir(exist_ok=True)
    sales = datasets.load_house_sales().sample(3_000, random_state=1).sort_values("date")
    part = sales.iloc[2_000:]
    predicted = build_model().fit(sales.iloc[:2_000], sales["price"].iloc[:2_000]).predict(part)
    scores = cross_validate_model(build_model(), sales, folds=2).mean()
    residuals = (part["price"] - predicted).groupby(part["date"].dt.to_period("M").astype(str)).median()
    counts = confusion(RandomForestClassifier(10, random_state=0))
    table = rfm(datasets.load_purchases(), "1998-03-31")
    labels = segment_customers(table, 3)
    pictures = [
        draw(folder / "a.png", "scatter", part["price"], predicted),
        draw(folder / "b.png", "bar", residuals.index, residuals),
        draw(folder / "c.png", "imshow", counts.to_numpy()),
        draw(folder / "d.png", "hist", [np.log1p(table["monetary"][labels == n]) for n in range(3)]),
    ]
    text = [
        f"House prices: error {scores['rmse']:,.0f} USD (RMSE), {scores['mae']:,.0f} USD (MAE), R2 {scores['r2']:.2f}."
    ]
    text += [
        f"* {name}: {row.accuracy_mean:.1%} ± {row.accuracy_std:.1%}" for name, row in compare_classifiers(1).iterrows()
    ]
    text += [f"* segment {name}: {dict(row.round(1))}" for name, row in profile_segments(table, labels).iterrows()]
    text += [f"![picture][{name}]" for name in pictures] + [f"[{name}]: {name}" for name in pictures]
    target = folder / "README.md"
    target.write_text("\n\n".join(text), encoding="utf-8")
    return target
