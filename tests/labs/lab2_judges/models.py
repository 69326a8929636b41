"""Artifacts for a service under check: trained anew for each run, so that no answer can be known beforehand."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lab2_judges import inputs
from mlops_lab.artifacts import Metadata, load_metadata, save_artifact
from mlops_probes.service import Told

NAMES = ("house_price", "iris", "customer_segment")
SHOWN = {"house_price": "price of a house", "iris": "species of a flower", "customer_segment": "segment of a customer"}
PATHS = {"house_price": "/v1/house-price", "iris": "/v1/iris", "customer_segment": "/v1/customer-segment"}


@dataclass
class Models:
    """Artifacts by name, with what the service has to answer: `files` go to the worker, `estimators` stay here."""

    estimators: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Metadata] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)

    def add(
        self, name: str, model: Any, features: pd.DataFrame, extra: dict[str, Any], dates: pd.Series | None = None
    ) -> None:
        """Save one artifact; the columns of `features` are in the order in which the model takes them."""
        metrics = {"mean_absolute_error": len(features) * 12.5 + 1 / 7}  # with all digits of a float
        with tempfile.TemporaryDirectory() as folder:
            place = save_artifact(
                Path(folder, name), model, name=name, metrics=metrics, features=features, dates=dates, extra=extra
            )
            self.metadata[name] = load_metadata(place)
            self.estimators[name] = model
            self.files = {path: data for path, data in self.files.items() if not path.startswith(f"{name}/")}
            self.files |= {f"{name}/{path.name}": path.read_bytes() for path in place.iterdir()}

    def path_of(self, name: str, ending: str) -> str:
        """Return the path of an artifact's file with this ending."""
        return next(path for path in self.files if path.startswith(f"{name}/") and path.endswith(ending))

    def frame(self, name: str, requests: list[dict[str, Any]]) -> pd.DataFrame:
        """Return requests as the model takes them."""
        return pd.DataFrame(requests, columns=list(self.metadata[name].features))

    def prices(self, houses: list[dict[str, Any]]) -> np.ndarray:
        """Return what the model says about houses, USD."""
        return np.asarray(self.estimators["house_price"].predict(self.frame("house_price", houses)))


def numbers_of(model: Any) -> list[str]:
    """The fields that the trees of a fitted `house_model` get as they are, in their order."""
    return [str(name) for name in model.regressor_[0].transformers_[0][2]]


def shuffled(rng: np.random.Generator, columns: tuple[str, ...]) -> list[str]:
    """The columns in a drawn order that is not the given one."""
    while True:
        order = [columns[place] for place in rng.permutation(len(columns))]
        if order != list(columns):
            return order


def house_model(numbers: list[str], *, trees: int = 12, seed: int = 0) -> Any:
    """An untrained model of the shape that lab 1's `build_model` has, smaller."""
    from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
    from sklearn.ensemble import HistGradientBoostingRegressor
    from sklearn.model_selection import KFold
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import TargetEncoder

    encoder = TargetEncoder(target_type="continuous", cv=KFold(2, shuffle=True, random_state=seed))
    columns = ColumnTransformer([("numbers", "passthrough", numbers), ("zipcode", encoder, ["zipcode"])])
    boosted = HistGradientBoostingRegressor(
        max_iter=trees, max_leaf_nodes=8, learning_rate=0.3, early_stopping=False, random_state=seed
    )
    pipeline = Pipeline([("columns", columns), ("trees", boosted)])
    return TransformedTargetRegressor(pipeline, func=np.log1p, inverse_func=np.expm1)


def draw_house(models: Models, rng: np.random.Generator) -> None:
    """Add a model of house prices that has seen half of the zipcodes, with a drawn likely range."""
    sales = inputs.sales()
    # The first house of the data is asked for to see whether the service is up: it must not be a special case.
    zipcodes = [sales["zipcode"].iloc[0], *rng.permutation(sales["zipcode"].unique())[:35]]
    train = sales[sales["zipcode"].isin(zipcodes)].sample(600, random_state=rng)
    train = pd.concat([sales.head(1), train])
    order = shuffled(rng, inputs.HOUSE)
    # The trees get the numbers in an order of their own, which is not that of the frame either.
    numbers = shuffled(rng, tuple(name for name in order if name != "zipcode"))
    model = house_model(numbers, seed=int(rng.integers(10_000)))
    model.fit(train[order], train["price"])
    low, high = rng.uniform(0.6, 0.9), rng.uniform(1.1, 1.5)
    extra = {
        "zipcodes": sorted({int(zipcode) for zipcode in train["zipcode"]}),
        "likely_range": {"low": round(float(low), 3), "high": round(float(high), 3), "share": 0.8},
    }
    models.add("house_price", model, train[order], extra, train["date"])


def draw_iris(models: Models, rng: np.random.Generator) -> None:
    """Add a classifier that takes the measures in a drawn order."""
    from sklearn.linear_model import LogisticRegression

    flowers = inputs.flowers().sample(120, random_state=rng)
    order = shuffled(rng, inputs.FLOWER)
    model = LogisticRegression(C=float(rng.uniform(0.3, 1.0)), max_iter=1_000)
    # Nobody knows these names but the model, and their order is another one.
    names = dict(zip(("setosa", "versicolor", "virginica"), rng.permutation(["I. a", "I. b", "I. c"]), strict=True))
    models.add("iris", model.fit(flowers[order], flowers["species"].map(names)), flowers[order], {})


def draw_segments(models: Models, rng: np.random.Generator) -> None:
    """Add a segmentation with a drawn number of segments, which takes the measures in a drawn order."""
    from sklearn.cluster import KMeans
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, StandardScaler

    count = int(rng.choice([2, 3, 5, 6]))  # never the 4 of week 1
    table = inputs.customers().sample(800, random_state=rng)[shuffled(rng, inputs.CUSTOMER)]
    scale = FunctionTransformer(np.log1p, feature_names_out="one-to-one")
    means = KMeans(count, n_init=1, random_state=int(rng.integers(1_000)))
    models.add("customer_segment", make_pipeline(scale, StandardScaler(), means).fit(table), table, {"segments": count})


def draw_models(rng: np.random.Generator) -> Models:
    """Return all three models."""
    models = Models()
    for draw in (draw_house, draw_iris, draw_segments):
        draw(models, rng)
    return models


def told_models(rng: np.random.Generator, **options: Any) -> Models:
    """Return three models that tell when they are loaded and asked; `options` as in `Told`, by the model's name."""
    models = Models()
    frames = {
        "house_price": inputs.sales()[shuffled(rng, inputs.HOUSE)],
        "iris": inputs.flowers()[list(inputs.FLOWER)],
        "customer_segment": inputs.customers()[list(inputs.CUSTOMER)],
    }
    weights = {
        "house_price": {"sqft_living": float(rng.integers(100, 300)), "grade": float(rng.integers(1_000, 9_000))},
        "iris": dict.fromkeys(inputs.FLOWER, 1.0),
        "customer_segment": {"recency_days": 0.0},
    }
    for name in NAMES:
        extra = {"segments": 3} if name == "customer_segment" else {}
        classes = ("setosa", "versicolor", "virginica") if name == "iris" else ()
        told = Told(name, weights[name], classes=classes, **options.get(name, {}))
        models.add(name, told, frames[name].head(10), extra)
    return models
