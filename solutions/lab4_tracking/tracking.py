"""Trainings that leave a record in MLflow: logged, searched, compared, and repeated from the record alone.

Where the record goes, the environment says: `MLFLOW_TRACKING_URI`, as `lab up 4` prints it.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

EXPERIMENT = "house-price"


def log_training(
    train: pd.DataFrame, test: pd.DataFrame, model: Any, params: dict[str, Any], *, experiment: str = EXPERIMENT
) -> str:
    """Train a copy of `model` with the settings `params` on `train`, judge it on `test`, log it all; return the run id.

    One run in the experiment of that name, which is made where it is missing. The run has
    - each of `params`, as `str` writes it;
    - the metrics `rmse`, `mae` and `r2` on `test`, and `cv_rmse`, `cv_mae` and `cv_r2` of each fold of lab 1's
      `cross_validate_model` on `train`, with the number of the fold as step;
    - the tags of `fingerprint(train)`, of `fingerprint(test, "test")`, of `code_version()` and of `workplace()`, from
      before the training on: a process that is killed says no more;
    - the model, under the name `model`: trained on the columns `FEATURES` of `train`, with its signature, an example of
      up to 5 rows of them, and `requirements()`;
    - two plots of `test` as PNG files: `predicted_against_actual.png` and `residuals_by_month.png`.

    `model` itself stays as it was. Where training or judging raises an `Exception`, it goes on to the caller; the run
    has ended as FAILED, with the tag `error` that holds the type and the text of the exception.
    """
    # solution 4.1
    import time

    import mlflow
    from mlflow.entities import Metric
    from sklearn.base import clone

    from lab1_models.house_price import FEATURES, cross_validate_model, evaluate
    from lab4_tracking.lineage import code_version, fingerprint, requirements, workplace
    from mlops_lab import plots

    mlflow.set_experiment(experiment)
    with mlflow.start_run() as run:
        try:
            # Before the work: what goes in. A run that fails later says at least what it was about.
            mlflow.log_params(params)
            mlflow.set_tags({**fingerprint(train), **fingerprint(test, "test"), **code_version(), **workplace()})
            # The work.
            candidate = clone(model).set_params(**params)
            folds = cross_validate_model(candidate, train)
            fitted = candidate.fit(train[FEATURES], train["price"])
            # After the work: what came out. All numbers go in one request, and before the files: they are small.
            numbers = [(name, value, 0) for name, value in evaluate(fitted, test).items()]
            for fold, metrics in enumerate(folds.to_dict("records"), start=1):
                numbers += [(f"cv_{name}", value, fold) for name, value in metrics.items()]
            now = int(1_000 * time.time())
            batch = [Metric(name, value, now, step) for name, value, step in numbers]
            mlflow.MlflowClient().log_batch(run.info.run_id, metrics=batch)
            predicted = pd.Series(fitted.predict(test[FEATURES]), index=test.index)
            figures = {
                "predicted_against_actual.png": plots.predicted_against_actual(test["price"], predicted),
                "residuals_by_month.png": plots.residuals_by_month(test["date"], test["price"], predicted),
            }
            for name, plot in figures.items():
                mlflow.log_figure(plot.figure, name)
            example = test[FEATURES].head(5)
            # cloudpickle: skops, the safer format, does not know all parts of our trees.
            mlflow.sklearn.log_model(
                fitted,
                name="model",
                signature=signature_of(fitted, example),
                input_example=example,
                pip_requirements=requirements(),
                serialization_format="cloudpickle",
            )
        except BaseException as error:
            mlflow.set_tag("error", f"{type(error).__name__}: {error}")
            raise
    return str(run.info.run_id)
    # end solution


def signature_of(model: Any, features: pd.DataFrame) -> Any:
    """The names and types of what the trained `model` takes and gives. Given."""
    import warnings

    from mlflow.models import infer_signature

    with warnings.catch_warnings():
        # MLflow hints that whole numbers cannot be missing. In this data none is, and a service checks its input.
        warnings.filterwarnings("ignore", message="Hint: Inferred schema contains integer column")
        return infer_signature(features, model.predict(features))


def sweep(train: pd.DataFrame, *, n_candidates: int = 20, seed: int = 0) -> str:
    """Search settings with lab 1's `tune_model(train, n_candidates, seed)`, and log it; return the id of its run.

    One run in the experiment `house-price`, with the parameters `n_candidates` and `seed`, the tags of
    `fingerprint(train)` and the metric `rmse` of the best candidate. Nested in it is one finished run for each
    candidate, with its settings as parameters (17, not 17.0) and its metrics `rmse` and `rmse_std`.
    """
    # solution 4.2
    import mlflow

    from lab1_models.house_price import tune_model
    from lab4_tracking.lineage import fingerprint

    mlflow.set_experiment(EXPERIMENT)
    with mlflow.start_run(run_name=f"sweep of {n_candidates}") as parent:
        mlflow.log_params({"n_candidates": n_candidates, "seed": seed})
        mlflow.set_tags(fingerprint(train))
        _, results = tune_model(train, n_candidates, seed)
        for candidate in results.to_dict("records"):
            measured = {name: float(candidate.pop(name)) for name in ("rmse", "rmse_std")}
            with mlflow.start_run(nested=True):
                mlflow.log_params({str(name): value for name, value in candidate.items()})
                mlflow.log_metrics(measured)
        mlflow.log_metric("rmse", float(results["rmse"].min()))
    return str(parent.info.run_id)
    # end solution


def end_abandoned(experiment: str = EXPERIMENT) -> list[str]:
    """End each run as FAILED that is RUNNING although its process has ended; return their ids. Given.

    Where a process is killed, or MLflow is at the wrong moment, nobody is left to say how the run ended.
    """
    import mlflow

    from lab4_tracking.lineage import is_gone

    client = mlflow.MlflowClient()
    running: Any = mlflow.search_runs(
        experiment_names=[experiment], filter_string="attributes.status = 'RUNNING'", output_format="list"
    )
    gone = [str(run.info.run_id) for run in running if is_gone(run.data.tags)]
    for run_id in gone:
        client.set_tag(run_id, "error", "its process has ended without a word")
        client.set_terminated(run_id, "FAILED")
    return gone


def compare_runs(experiment: str = EXPERIMENT) -> pd.DataFrame:
    """Compare all finished runs of an experiment: one row for each, nested ones included, the smallest `rmse` first.

    Columns: `run_id`, `parent` (the id of the run that it is nested in, or missing), `rmse`, `mae` and `r2` (NaN where
    a run has none). Runs without `rmse` come last. Runs that failed, still run or were deleted are left out. Who looks
    tidies up: `end_abandoned` is called first.
    """
    # solution 4.2
    import mlflow

    end_abandoned(experiment)
    runs: Any = mlflow.search_runs(
        experiment_names=[experiment], filter_string="attributes.status = 'FINISHED'", output_format="list"
    )
    rows = [
        {
            "run_id": run.info.run_id,
            "parent": run.data.tags.get("mlflow.parentRunId"),
            **{name: run.data.metrics.get(name, float("nan")) for name in ("rmse", "mae", "r2")},
        }
        for run in runs
    ]
    table = pd.DataFrame(rows, columns=["run_id", "parent", "rmse", "mae", "r2"])
    return table.sort_values("rmse", na_position="last", ignore_index=True)
    # end solution


def reproduce(run_id: str, sales: pd.DataFrame) -> dict[str, float]:
    """Repeat a training from its record and `sales` alone; return its `rmse`, `mae` and `r2`.

    `sales` holds the sales of then, in the order of then; newer ones may have come since, anywhere in the table. The
    training was one of `log_training`, on the two sides of lab 1's `split_by_time`: they are cut again by the dates in
    the tags. Nothing is logged.

    Raises ValueError where the run has not finished, where `code_version()` is not that of the run, where the data is
    not (by its fingerprints), and where the metrics do not come out as they were (to a millionth of each).
    """
    # solution 4.2
    import math

    import mlflow
    from sklearn.base import clone

    from lab1_models.house_price import FEATURES, evaluate, split_by_time
    from lab4_tracking.lineage import code_version, fingerprint

    run = mlflow.get_run(run_id)
    tags = run.data.tags
    if run.info.status != "FINISHED":
        raise ValueError(f"run {run_id} is {run.info.status}: there is nothing to repeat")
    # The code first: with other code, equal data proves nothing.
    _same("code", code_version(), tags)
    # The table of then: between the first day of training and the last day of testing.
    days = sales["date"].dt.normalize()
    of_then = sales[(days >= tags["data.first_date"]) & (days <= tags["test.last_date"])]
    train, test = split_by_time(of_then, tags["test.first_date"])
    _same("data", {**fingerprint(train), **fingerprint(test, "test")}, tags)
    # The settings lie in the logged model; `clone` takes them, and nothing that it has learned.
    model = clone(mlflow.sklearn.load_model(f"runs:/{run_id}/model"))
    metrics = evaluate(model.fit(train[FEATURES], train["price"]), test)
    for name, value in metrics.items():
        logged = run.data.metrics[name]
        if not math.isclose(value, logged, rel_tol=1e-6):
            raise ValueError(f"`{name}` comes out as {value}, and was {logged}: something is not in the record")
    return metrics
    # end solution


def _same(what: str, now: dict[str, str], then: dict[str, str]) -> None:
    """Raise where a tag of today is not that of the run. Given."""
    for name, value in now.items():
        if then.get(name) != value:
            raise ValueError(f"the {what} is not that of the run: `{name}` is {value!r}, and was {then.get(name)!r}")


if __name__ == "__main__":
    from lab1_models.house_price import CUTOFF, build_model, split_by_time
    from mlops_lab.datasets import load_house_sales

    # A part of the sales, and fewer trees: a record in seconds.
    sales = load_house_sales().sample(3_000, random_state=0)
    print(log_training(*split_by_time(sales, CUTOFF), build_model(), {"regressor__trees__max_iter": 60}))
