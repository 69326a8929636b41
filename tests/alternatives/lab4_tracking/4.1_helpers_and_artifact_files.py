# exercise: 4.1
# file: tracking.py
# accepted: a context manager of one's own, pictures written to a folder first, metrics name by name
import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def recorded(experiment: str) -> Iterator[Any]:
    import mlflow

    known = mlflow.set_experiment(experiment)
    with mlflow.start_run(experiment_id=known.experiment_id) as run:
        try:
            yield run
        except Exception as error:
            mlflow.set_tag("error", f"{type(error).__module__}.{type(error).__qualname__}({error})")
            raise


def log_training(
    train: pd.DataFrame, test: pd.DataFrame, model: Any, params: dict[str, Any], *, experiment: str = EXPERIMENT
) -> str:
    import mlflow
    from sklearn.base import clone

    from lab1_models import house_price
    from lab4_tracking.lineage import code_version, fingerprint, requirements, workplace
    from mlops_lab import plots

    features = house_price.FEATURES
    with recorded(experiment) as run, tempfile.TemporaryDirectory() as folder:
        for name, value in params.items():
            mlflow.log_param(name, value)
        for name, value in {**fingerprint(train), **fingerprint(test, "test"), **code_version()}.items():
            mlflow.set_tag(name, value)
        mlflow.set_tags(workplace())
        untrained = clone(model)
        untrained.set_params(**params)
        fitted = clone(untrained).fit(train[features], train["price"])
        predicted = pd.Series(fitted.predict(test[features]), test.index)
        plots.save_png(
            plots.predicted_against_actual(test["price"], predicted), Path(folder, "predicted_against_actual.png")
        )
        plots.save_png(
            plots.residuals_by_month(test["date"], test["price"], predicted), Path(folder, "residuals_by_month.png")
        )
        mlflow.log_artifacts(folder)
        for name, value in house_price.evaluate(fitted, test).items():
            mlflow.log_metric(name, value)
        table = house_price.cross_validate_model(untrained, train)
        for name in table.columns:
            for fold in table.index:
                mlflow.log_metric(f"cv_{name}", float(table.loc[fold, name]), step=int(fold))
        mlflow.sklearn.log_model(
            sk_model=fitted,
            name="model",
            signature=signature_of(fitted, train[features]),
            input_example=test[features].iloc[:1],
            pip_requirements=requirements(),
            serialization_format="pickle",
        )
        return str(run.info.run_id)
