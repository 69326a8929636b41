# exercise: 4.1
# file: tracking.py
# accepted: the client of MLflow, with what is logged in batches, and the run ended by hand
import sys


def log_training(
    train: pd.DataFrame, test: pd.DataFrame, model: Any, params: dict[str, Any], *, experiment: str = EXPERIMENT
) -> str:
    import time

    import mlflow
    from mlflow.entities import Metric, Param, RunTag
    from sklearn.base import clone

    from lab1_models.house_price import FEATURES, cross_validate_model, evaluate
    from lab4_tracking import lineage
    from mlops_lab import plots

    client = mlflow.MlflowClient()
    known = client.get_experiment_by_name(experiment)
    number = known.experiment_id if known else client.create_experiment(experiment)
    run = client.create_run(number, run_name=f"{type(model).__name__}, {len(train)} rows").info.run_id

    def log(metrics: dict[str, float], step: int = 0) -> None:
        now = int(time.time() * 1_000)
        client.log_batch(run, metrics=[Metric(name, float(value), now, step) for name, value in metrics.items()])

    try:
        tags = lineage.fingerprint(train) | lineage.fingerprint(test, "test") | lineage.code_version()
        tags |= lineage.workplace()
        client.log_batch(
            run,
            params=[Param(name, str(value)) for name, value in params.items()],
            tags=[RunTag(name, value) for name, value in tags.items()],
        )
        fitted = clone(model).set_params(**params).fit(train[FEATURES], train["price"])
        for fold, metrics in cross_validate_model(fitted, train).iterrows():
            log({f"cv_{name}": value for name, value in metrics.items()}, int(fold))
        log(evaluate(fitted, test))
        predicted = pd.Series(fitted.predict(test[FEATURES]), test.index)
        client.log_figure(
            run, plots.predicted_against_actual(test["price"], predicted).figure, "predicted_against_actual.png"
        )
        residuals = plots.residuals_by_month(test["date"], test["price"], predicted)
        client.log_figure(run, residuals.figure, "residuals_by_month.png")
        with mlflow.start_run(run_id=run):
            mlflow.sklearn.log_model(
                fitted,
                name="model",
                signature=signature_of(fitted, train[FEATURES]),
                input_example=train[FEATURES].sample(2, random_state=0),
                pip_requirements=[*lineage.requirements(), f"scipy=={sys.modules['scipy'].__version__}"],
                serialization_format="cloudpickle",
            )
    except Exception as error:
        client.set_tag(run, "error", repr(error))
        client.set_terminated(run, "FAILED")
        raise
    client.set_terminated(run)
    return run
