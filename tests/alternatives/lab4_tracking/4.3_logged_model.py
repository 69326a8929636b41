# exercise: 4.3
# file: registry.py
# accepted: the logged model is looked up and registered by its own address, and more tags are taken along


def register(run_id: str, name: str = MODEL) -> int:
    import mlflow

    from lab4_tracking.lineage import person

    client = mlflow.MlflowClient()
    run = client.get_run(run_id)
    if run.info.status in {"FAILED", "RUNNING", "KILLED", "SCHEDULED"}:
        raise ValueError(run.info.status)
    experiment = run.info.experiment_id
    models = mlflow.search_logged_models([experiment], f"source_run_id = '{run_id}'", output_format="list")
    if len(models) != 1:
        raise ValueError(f"{len(models)} models")
    for version in client.search_model_versions(f"name='{name}'"):
        if version.run_id == run_id:
            return int(version.version)
    tags = {key: value for key, value in run.data.tags.items() if not key.startswith("mlflow.")}
    tags.update({f"metric.{key}": repr(value) for key, value in run.data.metrics.items()})
    version = mlflow.register_model(models[0].model_uri, name, tags={**tags, "registered_by": person()})
    client.set_registered_model_alias(name, "challenger", version.version)
    return int(version.version)
