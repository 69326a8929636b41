# exercise: 4.2
# file: tracking.py
# accepted: candidates made by the client with the tag of their parent, and MLflow's own frame of runs


def sweep(train: pd.DataFrame, *, n_candidates: int = 20, seed: int = 0) -> str:
    import mlflow

    from lab1_models.house_price import tune_model
    from lab4_tracking.lineage import fingerprint

    client = mlflow.MlflowClient()
    experiment = mlflow.set_experiment(EXPERIMENT).experiment_id
    parent = client.create_run(experiment, tags=fingerprint(train)).info.run_id
    client.log_param(parent, "n_candidates", n_candidates)
    client.log_param(parent, "seed", seed)
    _, results = tune_model(train, n_candidates, seed)
    for _, row in results.astype(object).iterrows():  # else whole numbers become floats
        child = client.create_run(experiment, tags={"mlflow.parentRunId": parent}).info.run_id
        for name, value in row.items():
            log = client.log_metric if name in {"rmse", "rmse_std"} else client.log_param
            log(child, str(name), value)
        client.set_terminated(child)
    client.log_metric(parent, "rmse", min(results["rmse"]))
    client.set_terminated(parent)
    return parent


def compare_runs(experiment: str = EXPERIMENT) -> pd.DataFrame:
    import mlflow

    end_abandoned(experiment=experiment)
    runs = mlflow.search_runs(experiment_names=[experiment])
    runs = runs[runs["status"] == "FINISHED"]
    names = {"run_id": "run_id", "tags.mlflow.parentRunId": "parent"}
    names |= {f"metrics.{name}": name for name in ("rmse", "mae", "r2")}
    table = runs.reindex(columns=list(names)).rename(columns=names)
    table["parent"] = table["parent"].astype(object).where(table["parent"].notna(), None)
    return table.sort_values("rmse").reset_index(drop=True)
