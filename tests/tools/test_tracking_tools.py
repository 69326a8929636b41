"""Each tool of the stack does one real thing. Here: experiment tracking and the registry, with a server."""

from pathlib import Path

import pandas as pd
import pytest

from mlops_lab.services import running


@pytest.mark.timeout(300)  # the server takes 10 s to start, and minutes on a machine that is busy
def test_mlflow_server_registers_a_model_and_serves_it_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import mlflow
    from mlflow.models import infer_signature
    from sklearn.linear_model import LinearRegression

    frame = pd.DataFrame({"area": [50.0, 100.0, 200.0]})
    model = LinearRegression().fit(frame, [150_000.0, 300_000.0, 600_000.0])
    with running("mlflow", tmp_path) as server:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", server.url)
        mlflow.set_experiment("houses")
        with mlflow.start_run():
            mlflow.log_metric("rmse", 119_663)
            mlflow.sklearn.log_model(
                model,
                name="model",
                registered_model_name="house-price",
                signature=infer_signature(frame, model.predict(frame)),
                pip_requirements=["scikit-learn"],
            )
        mlflow.MlflowClient().set_registered_model_alias("house-price", "champion", "1")
        champion = mlflow.pyfunc.load_model("models:/house-price@champion")
        assert champion.predict(frame) == pytest.approx([150_000.0, 300_000.0, 600_000.0])
