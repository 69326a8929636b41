# exercise: 1.9
# file: report.py
# accepted: figures as lists, percentages, pictures by reference; cross-validated before the cutoff

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import Ridge
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from lab1_models import customers, house_price, iris
from mlops_lab.plots import confusion_matrix, save_png


def draw(path, kind, *data):
    figure = Figure(figsize=(4, 3))
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    getattr(axes, kind)(*data)
    with open(path, "wb") as stream:
        figure.savefig(stream, format="png")
    return f"![picture][{path.stem}]\n\n[{path.stem}]: {path.name}"


def areas(sales):
    return sales[["sqft_living", "sqft_above"]]


def figures_of(rmse, mae, r2):
    return f"RMSE {rmse / 1000:,.1f}k USD, MAE {mae / 1000:,.1f}k USD, R² {r2:.1%}"


def house_price_section(sales, folder):
    train, test = house_price.split_by_time(sales, CUTOFF)
    models = [DummyRegressor(), make_pipeline(FunctionTransformer(areas), Ridge()), house_price.build_model()]
    text = [f"Of {len(sales)} sales, {len(train)} are before the cutoff and {len(test)} after it."]
    for model in models:
        folds = house_price.cross_validate_model(model, train, folds=2).mean()
        said = model.fit(train, train["price"]).predict(test)
        metrics = [measure(test["price"], said) for measure in (root_mean_squared_error, mean_absolute_error, r2_score)]
        text.append(f"* {type(model).__name__}: in folds {figures_of(*folds)}; later {figures_of(*metrics)}")
    residuals = (test["price"] - said).groupby(test["date"].dt.to_period("M").astype(str)).median()
    text += [draw(folder / "a.png", "scatter", np.log(test["price"]), np.log(said))]
    return "\n\n".join([*text, draw(folder / "b.png", "bar", residuals.index, residuals)])


def iris_section(seed, folder):
    save_png(confusion_matrix(iris.confusion(RandomForestClassifier(10, random_state=0), seed=seed)), folder / "c.png")
    rows = iris.compare_classifiers(seed).iterrows()
    text = [f"* {name}: {row.accuracy_mean:.1%} ± {row.accuracy_std:.1%}" for name, row in rows]
    return "\n\n".join([*text, "![picture](c.png)"])


def customer_section(purchases, seed, folder):
    table = customers.rfm(purchases, AS_OF)
    text = [f"{len(table)} customers"]
    for k, row in customers.choose_k(table, range(2, 5)).iterrows():
        text.append(f"* k = {k}: inertia {row.inertia:.1f}, silhouette {row.silhouette:.2f}")
    labels = customers.segment_customers(table, 3, seed)
    later = set(purchases.query("'1998-04-01' <= date <= '1998-06-30'")["customer_id"])
    for name, row in customers.profile_segments(table, labels).iterrows():
        back = np.mean([customer in later for customer in table.index[labels == name]])
        text.append(f"* segment {name}: {dict(row.astype(float).round(2))}, {back:.0%} came back")
    logs = [np.log1p(table["monetary"][labels == n]) for n in range(3)]
    return "\n\n".join([*text, draw(folder / "d.png", "hist", logs)])
