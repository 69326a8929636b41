# exercise: 4.2
# file: tracking.py
# accepted: the client, which reads page by page, and settings that are read from the parameters of the run


def sweep(train: pd.DataFrame, *, n_candidates: int = 20, seed: int = 0) -> str:
    import mlflow

    from lab1_models import house_price
    from lab4_tracking import lineage

    experiment = mlflow.set_experiment(EXPERIMENT)
    tags = lineage.fingerprint(train) | lineage.code_version()
    with mlflow.start_run(experiment_id=experiment.experiment_id, tags=tags) as parent:
        mlflow.log_param("n_candidates", n_candidates)
        mlflow.log_param("seed", seed)
        results = house_price.tune_model(train, n_candidates=n_candidates, seed=seed)[1]
        for number, row in enumerate(results.itertuples(index=False)):
            with mlflow.start_run(run_name=f"candidate {number}", nested=True):
                for name, value in row._asdict().items():
                    if name.startswith("rmse"):
                        mlflow.log_metric(name, value)
                    else:
                        mlflow.log_param(name, value)
        mlflow.log_metrics({"rmse": results["rmse"].iloc[0], "candidates": len(results)})
    return parent.info.run_id


def compare_runs(experiment: str = EXPERIMENT) -> pd.DataFrame:
    import mlflow

    from lab4_tracking.lineage import is_gone

    client = mlflow.MlflowClient()
    known = client.get_experiment_by_name(experiment)
    for run in client.search_runs([known.experiment_id], "attributes.status = 'RUNNING'"):
        if is_gone(run.data.tags):
            client.set_terminated(run.info.run_id, "FAILED")
    runs: list[Any] = []
    page = client.search_runs([known.experiment_id], order_by=["metrics.rmse ASC"])
    while True:
        runs += [run for run in page if run.info.status == "FINISHED"]
        if not page.token:
            break
        page = client.search_runs([known.experiment_id], order_by=["metrics.rmse ASC"], page_token=page.token)
    table = pd.DataFrame({"run_id": [run.info.run_id for run in runs]})
    table["parent"] = [run.data.tags.get("mlflow.parentRunId") for run in runs]
    for name in ("rmse", "mae", "r2"):
        table[name] = pd.Series([run.data.metrics.get(name) for run in runs], dtype=float)
    return table


def reproduce(run_id: str, sales: pd.DataFrame) -> dict[str, float]:
    import ast

    import mlflow

    from lab1_models.house_price import FEATURES, evaluate
    from lab4_tracking.lineage import code_version, fingerprint

    class NotTheSame(ValueError):
        pass

    run = mlflow.get_run(run_id)
    tags, metrics = run.data.tags, run.data.metrics
    if run.info.status != "FINISHED":
        raise NotTheSame(run.info.status)
    # All that was before the first day of the test, and all from that day on, without houses that are on both sides.
    day = sales["date"].dt.strftime("%Y-%m-%d")
    test = sales[(day >= tags["test.first_date"]) & (day <= tags["test.last_date"])]
    train = sales[(day >= tags["data.first_date"]) & (day < tags["test.first_date"]) & ~sales["id"].isin(test["id"])]
    now = fingerprint(train) | fingerprint(test, "test") | code_version()
    if different := [name for name, value in now.items() if tags.get(name) != value]:
        raise NotTheSame(f"different: {different}")
    model = mlflow.sklearn.load_model(f"runs:/{run_id}/model")
    model.set_params(**{name: ast.literal_eval(value) for name, value in run.data.params.items()})
    found = evaluate(model.fit(train[FEATURES], train["price"]), test)
    if any(abs(found[name] - metrics[name]) > 1e-6 * abs(metrics[name]) for name in found):
        raise NotTheSame(f"{found} and not {metrics}")
    return found
