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
    # TODO 4.1: Log a training so that nobody has to ask
    raise NotImplementedError


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
    # TODO 4.2: Search, compare, repeat
    raise NotImplementedError


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
    # TODO 4.2: Search, compare, repeat
    raise NotImplementedError


def reproduce(run_id: str, sales: pd.DataFrame) -> dict[str, float]:
    """Repeat a training from its record and `sales` alone; return its `rmse`, `mae` and `r2`.

    `sales` holds the sales of then, in the order of then; newer ones may have come since, anywhere in the table. The
    training was one of `log_training`, on the two sides of lab 1's `split_by_time`: they are cut again by the dates in
    the tags. Nothing is logged.

    Raises ValueError where the run has not finished, where `code_version()` is not that of the run, where the data is
    not (by its fingerprints), and where the metrics do not come out as they were (to a millionth of each).
    """
    # TODO 4.2: Search, compare, repeat
    raise NotImplementedError


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
