# exercise: 4.3
# file: registry.py
# accepted: the registered model made first, the version by the client, tags one by one


def register(run_id: str, name: str = MODEL) -> int:
    import contextlib

    import mlflow
    from mlflow.exceptions import MlflowException

    from lab4_tracking import lineage

    client = mlflow.MlflowClient()
    run = client.get_run(run_id)
    models = [one.model_id for one in run.outputs.model_outputs]
    if run.info.status != "FINISHED" or not models:
        raise ValueError("no finished model")
    with contextlib.suppress(MlflowException):
        client.create_registered_model(name)
    known = [int(one.version) for one in client.search_model_versions(f"name = '{name}' and run_id = '{run_id}'")]
    if known:
        return known[0]
    version = client.create_model_version(name, f"models:/{models[0]}", run_id)
    for key, value in run.data.tags.items():
        if key.split(".")[0] in {"data", "test", "git"}:
            client.set_model_version_tag(name, version.version, key, value)
    for key in ("rmse", "mae", "r2"):
        client.set_model_version_tag(name, version.version, f"metric.{key}", run.data.metrics[key])
    client.set_model_version_tag(name, version.version, "registered_by", lineage.person())
    client.set_registered_model_alias(name, CHALLENGER, version.version)
    return int(version.version)
