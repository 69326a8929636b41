"""The models of week 1 as artifacts, trained where they are missing: `python -m lab2_service.training`.

A service only needs this once. It learns with the functions of lab 1, on the data of the course.
"""

from __future__ import annotations

import argparse
import logging
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from mlops_lab.artifacts import METADATA_FILE, save_artifact

logger = logging.getLogger(__name__)

AS_OF = "1998-03-31"
SEGMENTS = 4


def train_house_price(folder: Path) -> None:
    """Train on 2014, judge on 2015, and save."""
    from lab1_models.house_price import CUTOFF, FEATURES, build_model, save_model, split_by_time
    from mlops_lab.datasets import load_house_sales

    train, test = split_by_time(load_house_sales(), CUTOFF)
    save_model(build_model().fit(train[FEATURES], train["price"]), train, test, folder)


def train_iris(folder: Path) -> None:
    """Train the best classifier of week 1 on all flowers, and save it with its cross-validated accuracy."""
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
    from sklearn.model_selection import StratifiedKFold, cross_val_score

    from lab1_models.iris import load_measures

    measures, species = load_measures()
    # `sepal length (cm)` becomes `sepal_length`, the name of the field in a request.
    measures = measures.rename(columns=lambda name: name.removesuffix(" (cm)").replace(" ", "_"))
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    accuracy = cross_val_score(LinearDiscriminantAnalysis(), measures, species, cv=folds).mean()
    model = LinearDiscriminantAnalysis().fit(measures, species)
    save_artifact(folder, model, name="iris", metrics={"accuracy": accuracy}, features=measures)


def train_customer_segment(folder: Path) -> None:
    """Learn segments that new customers can be put into, numbered by what they spend, and save them."""
    import numpy as np
    from sklearn.cluster import KMeans
    from sklearn.metrics import silhouette_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, StandardScaler

    from lab1_models.customers import rfm
    from mlops_lab.datasets import load_purchases

    customers = rfm(load_purchases(), AS_OF)
    model = make_pipeline(
        FunctionTransformer(np.log1p, feature_names_out="one-to-one"),
        StandardScaler(),
        KMeans(SEGMENTS, n_init=5, random_state=0),
    )
    model.fit(customers)
    # K-Means numbers its centres by chance: put them in the order of what their customers spend.
    spent = customers["monetary"].groupby(model.predict(customers)).mean()
    centres = model[-1].cluster_centers_
    model[-1].cluster_centers_ = centres[spent.sort_values().index.to_numpy()]
    points, labels = model[:-1].transform(customers), model.predict(customers)
    silhouette = silhouette_score(points, labels, sample_size=3_000, random_state=0)
    metrics, extra = {"silhouette": silhouette}, {"segments": SEGMENTS}
    save_artifact(folder, model, name="customer_segment", metrics=metrics, features=customers, extra=extra)


# Name of the model, which is the name of its folder → what trains it.
TRAINERS: dict[str, Callable[[Path], None]] = {
    "house_price": train_house_price,
    "iris": train_iris,
    "customer_segment": train_customer_segment,
}


def ensure_artifact(models_dir: Path, name: str) -> Path:
    """Return the folder of the artifact `name` below `models_dir`; where there is none, train it first.

    Where `models_dir` cannot be written, the new artifact goes to a temporary folder. An artifact that is there is
    left as it is, damaged or not: what is wrong with it, a person should see.
    """
    folder = models_dir / name
    if (folder / METADATA_FILE).exists():
        return folder
    if not _is_writable(models_dir):
        folder = Path(tempfile.mkdtemp(prefix="models-"), name)
    logger.warning("no artifact in `%s`: training `%s` into `%s`", models_dir / name, name, folder)
    TRAINERS[name](folder)
    return folder


def _is_writable(folder: Path) -> bool:
    """Whether files can be made below `folder`, or below the nearest folder above it that is there."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return os.access(folder, os.W_OK)


def main(arguments: list[str] | None = None) -> None:
    """Train the models that are missing, and say which artifacts there are now."""
    from mlops_lab.artifacts import load_metadata

    parser = argparse.ArgumentParser(prog="python -m lab2_service.training", description=main.__doc__)
    parser.add_argument("--out", type=Path, default=Path("artifacts"), help="folder of the artifacts")
    options = parser.parse_args(arguments)
    rows = [load_metadata(ensure_artifact(options.out, name)) for name in TRAINERS]
    print(pd.DataFrame([{"name": row.name, "version": row.version, **row.metrics} for row in rows]).to_string())


if __name__ == "__main__":
    main()
