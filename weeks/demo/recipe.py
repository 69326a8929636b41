"""What week 5's flow trains here: the model of week 1, which the service of week 2 can ask.

The flow's own model wants features of the neighbourhood that no request has. The gate of week 4 would refuse it, and
rightly so: its signature asks for more than callers send.
"""

from __future__ import annotations

from typing import Any

import pandas as pd


def install() -> None:
    """Put the three functions in the place of those of `lab5_pipeline.training`."""
    from lab5_pipeline import training

    training.inputs_of, training.fit, training.log_run = inputs_of, fit, log_run


def inputs_of(table: pd.DataFrame) -> pd.DataFrame:
    """Return the columns that a request has."""
    from lab1_models.house_price import FEATURES

    return table[FEATURES]


def fit(train: pd.DataFrame) -> Any:
    """Return the model of week 1, trained."""
    from lab1_models.house_price import build_model

    return build_model().fit(inputs_of(train), train["price"])


def log_run(model: Any, train: pd.DataFrame, tags: dict[str, str]) -> str:
    """Log a model as a finished run with these tags, as week 4 logs it; return the id of the run."""
    import mlflow

    from lab4_tracking.lineage import fingerprint, requirements
    from lab4_tracking.tracking import EXPERIMENT, signature_of

    mlflow.set_experiment(EXPERIMENT)
    with mlflow.start_run() as run:
        mlflow.set_tags({**tags, **fingerprint(train)})
        mlflow.sklearn.log_model(
            model,
            name="model",
            signature=signature_of(model, inputs_of(train.head(50))),
            pip_requirements=requirements(),
            serialization_format="cloudpickle",
        )
    return str(run.info.run_id)
