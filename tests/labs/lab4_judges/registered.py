"""The registry under a service that is checked: versions are put there by the check's own way, over HTTP."""

from __future__ import annotations

import json
import pickle
from collections.abc import Mapping
from typing import Any

import httpx
from lab2_judges import inputs

from labkit.checking.doors import Door
from mlops_probes.serving import Champion

NAME = "house-price"
_TYPES = {"int64": "long", "float64": "double", "bool": "boolean"}


class Registry:
    """A model with its versions and aliases."""

    def __init__(self, door: Door) -> None:
        self._http = httpx.Client(base_url=door.url, trust_env=False, timeout=20.0)

    def start(self) -> None:
        """Make the model, empty; forget what an earlier check put there."""
        found = self._http.get("/api/2.0/mlflow/registered-models/get", params={"name": NAME})
        if found.status_code == 200:
            self._ask("DELETE", "registered-models/delete", name=NAME)
        self._ask("POST", "registered-models/create", name=NAME)

    def close(self) -> None:
        """End the connection."""
        self._http.close()

    def add(self, model: Champion, **files: bytes) -> str:
        """Register a version; `files` replace some of its files. Returns its number."""
        run = self._ask("POST", "runs/create", experiment_id="0")["run"]["info"]
        place = str(run["artifact_uri"]).removeprefix("mlflow-artifacts:/").lstrip("/")
        for name, data in {"MLmodel": mlmodel(), "model.pkl": pickle.dumps(model), **files}.items():
            path = f"/api/2.0/mlflow-artifacts/artifacts/{place}/model/{name.replace('__', '.')}"
            self._http.put(path, content=data).raise_for_status()
        source = f"{run['artifact_uri']}/model"
        made = self._ask("POST", "model-versions/create", name=NAME, source=source, run_id=run["run_id"])
        return str(made["model_version"]["version"])

    def point(self, version: str, alias: str = "champion") -> None:
        """Point an alias to a version."""
        self._ask("POST", "registered-models/alias", name=NAME, alias=alias, version=version)

    def unpoint(self, alias: str = "champion") -> None:
        """Take an alias away."""
        self._ask("DELETE", "registered-models/alias", name=NAME, alias=alias)

    def _ask(self, method: str, path: str, **body: Any) -> Mapping[str, Any]:
        answer = self._http.request(method, f"/api/2.0/mlflow/{path}", json=body)
        answer.raise_for_status()
        found: Mapping[str, Any] = answer.json()
        return found


def mlmodel() -> bytes:
    """What MLflow writes beside a scikit-learn model: its kind and its signature. JSON is YAML, too."""
    sample = inputs.sales()[list(inputs.HOUSE)].dtypes
    columns = [{"type": _TYPES[str(kind)], "name": name, "required": True} for name, kind in sample.items()]
    return json.dumps(
        {
            "flavors": {
                "python_function": {"loader_module": "mlflow.sklearn", "model_path": "model.pkl"},
                "sklearn": {"pickled_model": "model.pkl", "serialization_format": "cloudpickle", "code": None},
            },
            "signature": {
                "inputs": json.dumps(columns),
                "outputs": json.dumps([{"type": "tensor", "tensor-spec": {"dtype": "float64", "shape": [-1]}}]),
                "params": None,
            },
            "utc_time_created": "2015-01-01 00:00:00.000000",
        }
    ).encode()
