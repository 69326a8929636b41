"""The registry: versions of a model, a name that moves between them, and the gate in front of that name.

Others ask for `models:/house-price@champion` (`champion_uri()`), and need to know nothing else.
"""

from __future__ import annotations

MODEL = "house-price"
CHAMPION, CHALLENGER = "champion", "challenger"


def champion_uri(name: str = MODEL) -> str:
    """The address of the model that serves, whichever version it is."""
    return f"models:/{name}@{CHAMPION}"


def version_of(alias: str, name: str = MODEL) -> int | None:
    """The version that an alias points to, or None. Given."""
    import mlflow
    from mlflow.exceptions import MlflowException

    try:
        return int(mlflow.MlflowClient().get_model_version_by_alias(name, alias).version)
    except MlflowException:
        return None


def register(run_id: str, name: str = MODEL) -> int:
    """Make the model of a finished run a version of the registered model `name`; return the number of the version.

    The version gets the alias `challenger`; `champion` stays where it is. It has all tags of the run that begin with
    `data.`, `test.` or `git.`, the metrics of the run as tags `metric.rmse`, `metric.mae` and `metric.r2`, and
    `registered_by`, the `person()`. A run that is registered already gives the version that it has.

    Raises ValueError where the run has not finished, or has no model; nothing is registered then.
    """
    # solution 4.3
    import mlflow

    from lab4_tracking.lineage import person

    client = mlflow.MlflowClient()
    run = client.get_run(run_id)
    if run.info.status != "FINISHED":
        raise ValueError(f"run {run_id} is {run.info.status}: only a finished run can be registered")
    if not (run.outputs and run.outputs.model_outputs):
        raise ValueError(f"run {run_id} has no model: a sweep has none, a training has")
    # Once is enough: a pipeline that tries again must not make a second version of the same model.
    for known in client.search_model_versions(f"name = '{name}'"):
        if known.run_id == run_id:
            return int(known.version)
    tags = {key: value for key, value in run.data.tags.items() if key.startswith(("data.", "test.", "git."))}
    tags |= {f"metric.{key}": str(run.data.metrics[key]) for key in ("rmse", "mae", "r2")}
    tags["registered_by"] = person()
    version = int(mlflow.register_model(f"runs:/{run_id}/model", name, tags=tags).version)
    client.set_registered_model_alias(name, CHALLENGER, str(version))
    return version
    # end solution
