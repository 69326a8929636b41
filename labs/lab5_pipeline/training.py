"""The month's model: how it is trained, kept in MLflow and asked. Given: week 1 and week 4 are about it."""

from __future__ import annotations

import base64
import io
from typing import Any

import pandas as pd

from lab5_pipeline.storage import MonthRefused

EXPERIMENT = "house-price"
NAME = "house-price"
# MLflow keeps the model without pickle, and asks which classes may be read back. This one is scikit-learn's own.
TRUSTED = ["sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor"]
NOT_FOR_THE_MODEL = ("id", "price", "date")


def split_newest(table: pd.DataFrame, month: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Split into what came before `month`, to learn from, and the sales of `month`, to be judged on.

    Where nothing came before, the first two thirds of the month, by date, are learned from.

    Raises:
        MonthRefused: where one of the two has no row.
    """
    table = table.sort_values("date", kind="stable")
    is_test = table["date"].dt.strftime("%Y-%m") == month
    if is_test.all():
        is_test = pd.Series(range(len(table)), index=table.index) >= len(table) * 2 // 3
    before, newest = table[~is_test], table[is_test]
    if before.empty or newest.empty:
        raise MonthRefused(f"{month}: {len(before)} sales to learn from, {len(newest)} to be judged on")
    return before, newest


def inputs_of(table: pd.DataFrame) -> pd.DataFrame:
    """Return what the model may see of each sale, as floats; NaN where something is not known."""
    return table.drop(columns=list(NOT_FOR_THE_MODEL), errors="ignore").select_dtypes("number").astype(float)


def fit(train: pd.DataFrame) -> Any:
    """Return a model of the logarithm of the price that answers in USD."""
    import numpy as np
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.ensemble import HistGradientBoostingRegressor

    trees = HistGradientBoostingRegressor(max_iter=150, learning_rate=0.1, random_state=0)
    model = TransformedTargetRegressor(trees, func=np.log1p, inverse_func=np.expm1)
    return model.fit(inputs_of(train), train["price"])


def find_run(key: str) -> str | None:
    """Return the finished run of MLflow whose tag `pipeline.key` is `key`, None where there is none yet."""
    import mlflow

    client = mlflow.MlflowClient()
    experiment = client.get_experiment_by_name(EXPERIMENT)
    if experiment is None:
        return None
    wanted = f"tags.`pipeline.key` = '{key}' and attributes.status = 'FINISHED'"
    runs = client.search_runs([experiment.experiment_id], wanted, max_results=1)
    return runs[0].info.run_id if runs else None


def log_run(model: Any, train: pd.DataFrame, tags: dict[str, str]) -> str:
    """Log a model as a finished run with these tags; return the id of the run."""
    import mlflow
    import sklearn
    from mlflow.models import infer_signature

    mlflow.set_experiment(EXPERIMENT)
    with mlflow.start_run() as run:
        mlflow.set_tags(tags)
        mlflow.log_param("rows", len(train))
        example = inputs_of(train.head(5))
        mlflow.sklearn.log_model(
            model,
            name="model",
            signature=infer_signature(example, model.predict(example)),
            skops_trusted_types=TRUSTED,
            pip_requirements=[f"scikit-learn=={sklearn.__version__}", f"pandas=={pd.__version__}"],
        )
    return str(run.info.run_id)


def find_version(run_id: str) -> int | None:
    """Return the version that was registered of a run's model, None where there is none."""
    import mlflow

    found = mlflow.MlflowClient().search_model_versions(f"name = '{NAME}' and run_id = '{run_id}'")
    return min((int(one.version) for one in found), default=None)


def register_version(run_id: str) -> int:
    """Register the model of a run as a new version of `house-price`; return the version."""
    import mlflow

    outputs: Any = mlflow.get_run(run_id).outputs
    return int(mlflow.register_model(f"models:/{outputs.model_outputs[0].model_id}", NAME).version)


def load_model(run_id: str) -> Any:
    """Return the model of a run."""
    import mlflow

    return mlflow.sklearn.load_model(f"runs:/{run_id}/model")


def draw(predictions: pd.DataFrame, month: str) -> str:
    """Draw predicted against paid prices; return the picture as a `data:` address, which needs no file server."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5, 4), layout="constrained")
    axes = figure.subplots()
    axes.scatter(predictions["price"] / 1_000, predictions["predicted"] / 1_000, s=6, color="#0072B2")
    top = float(predictions[["price", "predicted"]].max().max()) / 1_000
    axes.plot([0, top], [0, top], color="#E69F00")
    axes.set_xlabel("paid, thousand USD")
    axes.set_ylabel("predicted, thousand USD")
    axes.set_title(f"Sales of {month}")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=80)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def score(candidate: dict[str, Any], table: pd.DataFrame) -> float:
    """Return the mean absolute error in USD on the newest fifth of the sales of a model that learned from the others.

    One thread: where every worker used all cores, they would wait for each other.
    """
    import numpy as np
    from sklearn.ensemble import HistGradientBoostingRegressor
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    table = table.sort_values("date", kind="stable")
    cut = len(table) * 4 // 5
    before, newest = table.iloc[:cut], table.iloc[cut:]
    with threadpool_limits(1):
        model = HistGradientBoostingRegressor(random_state=0, **candidate)
        model.fit(inputs_of(before), np.log1p(before["price"]))
        predicted = np.expm1(model.predict(inputs_of(newest)))
    return float(np.abs(predicted - newest["price"]).mean())
