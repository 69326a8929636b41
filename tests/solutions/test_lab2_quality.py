"""What the reference solution of lab 2 holds on all the data, and over HTTP as a plain client sees it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import numpy as np
import pandas as pd
import pytest
import treelite
from sklearn.ensemble import HistGradientBoostingRegressor

from lab1_models.house_price import FEATURES
from lab2_service.app import create_app
from lab2_service.predictor import CompiledPricer, compile_model, make_pricer
from lab2_service.schemas import Customer, Flower, House
from lab2_service.training import TRAINERS, ensure_artifact, main
from lab2_service.treecode import DEEPEST, CannotCompile, as_function, as_table_function
from mlops_lab.artifacts import Artifact, load_artifact
from mlops_lab.datasets import load_house_sales
from mlops_lab.processes import Server, is_healthy, serve

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def models_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    main(["--out", str(folder)])
    return folder


@pytest.fixture(scope="module")
def house_price(models_dir: Path) -> Artifact:
    return load_artifact(models_dir / "house_price")


@pytest.fixture(scope="module")
def server(models_dir: Path) -> Iterator[Server]:
    command = [sys.executable, "-m", "uvicorn", "--factory", "lab2_service.app:create_app", "--port", "{port}"]
    environment = {"PYTHONPATH": str(ROOT / "solutions"), "MODELS_DIR": str(models_dir)}
    with serve(command, health="/readyz", env=environment) as server:
        yield server


@pytest.fixture
def client(server: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, trust_env=False, timeout=30) as client:
        yield client


def rows(sales: pd.DataFrame) -> list[dict[str, float]]:
    found: list[dict[str, float]] = sales[FEATURES].to_dict("records")
    return found


def test_compiled_prices_are_the_estimators_on_all_houses_and_in_unseen_zipcodes(house_price: Artifact) -> None:
    sales = load_house_sales()
    pricer = make_pricer(house_price)
    assert isinstance(pricer, CompiledPricer)
    for frame in (sales, sales.assign(zipcode=98999)):
        wanted = house_price.model.predict(frame[FEATURES])
        together = pricer.predict(rows(frame))
        assert np.abs(together / wanted - 1).max() <= 1e-6
        alone = np.array([pricer.predict([row])[0] for row in rows(frame.iloc[::20])])
        assert np.abs(alone / wanted[::20] - 1).max() <= 1e-6


def test_every_house_of_the_data_is_accepted() -> None:
    for row in rows(load_house_sales()):
        House.model_validate(row)


def test_the_examples_of_the_schemas_are_requests() -> None:
    for schema in (House, Flower, Customer):
        schema.model_validate(
            {name: field.examples[0] for name, field in schema.model_fields.items() if field.examples}
        )


def test_the_likely_range_holds_what_it_says(house_price: Artifact) -> None:
    sales = load_house_sales()
    later = sales[sales["date"] >= "2015-01-01"]
    likely = house_price.metadata.extra["likely_range"]
    factor = later["price"] / house_price.model.predict(later[FEATURES])
    assert factor.between(likely["low"], likely["high"]).mean() == pytest.approx(likely["share"], abs=0.02)


def test_segments_rise_with_what_customers_spend(models_dir: Path) -> None:
    artifact = load_artifact(models_dir / "customer_segment")
    columns = list(artifact.metadata.features)
    spent = pd.DataFrame([[300, 1, 12.0], [200, 2, 60.0], [90, 5, 160.0], [10, 20, 900.0]], columns=columns)
    assert list(artifact.model.predict(spent)) == [0, 1, 2, 3]
    assert artifact.metadata.extra["segments"] == 4


def test_training_makes_the_same_models_again_and_leaves_those_that_are_there(models_dir: Path, tmp_path: Path) -> None:
    for name in TRAINERS:
        first = load_artifact(models_dir / name).metadata
        assert load_artifact(ensure_artifact(models_dir, name)).metadata == first
        assert load_artifact(ensure_artifact(tmp_path, name)).metadata.version == first.version


def test_where_nothing_can_be_written_the_models_are_trained_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    folder = ensure_artifact(tmp_path / "read-only", "iris")
    assert load_artifact(folder).metadata.name == "iris"
    assert not (tmp_path / "read-only").exists()


class Trees:
    """One tree that is a chain of splits, as treelite would write it."""

    def __init__(self, depth: int) -> None:
        self.depth = depth

    def dump_as_json(self) -> str:
        leaf: dict[str, Any] = {"node_id": self.depth, "leaf_value": 1.0}
        split = {"split_feature_id": 0, "comparison_op": "<=", "threshold": 0.5, "right_child": self.depth}
        nodes = [{"node_id": level, "left_child": level + 1, **split} for level in range(self.depth)]
        return json.dumps({"base_scores": [0.0], "trees": [{"root_id": 0, "nodes": [*nodes, leaf]}]})


def test_a_tree_that_is_too_deep_is_refused() -> None:
    assert as_function(Trees(8))([0.0]) == 1.0
    with pytest.raises(CannotCompile, match="deeper"):
        as_function(Trees(DEEPEST + 2))


@pytest.mark.parametrize("leaves", [2, 8, 16, 17, 32, 33, 64, 65])
def test_all_forms_of_the_trees_say_the_same_also_at_their_thresholds(leaves: int) -> None:
    rng = np.random.default_rng(leaves)
    table = rng.integers(0, 60, (900, 3)) / 7
    model = HistGradientBoostingRegressor(max_iter=12, max_leaf_nodes=leaves, min_samples_leaf=2)
    model.fit(table, np.sin(table).sum(axis=1) + rng.normal(size=900))
    assert max(predictor[0].get_n_leaf_nodes() for predictor in model._predictors) == leaves
    nodes = np.concatenate([predictor[0].nodes for predictor in model._predictors])
    table[:, 0] = rng.choice(nodes["num_threshold"][nodes["feature_idx"] == 0], 900)
    trees = treelite.sklearn.import_model(model)
    assert as_table_function(trees)(table) == pytest.approx(model.predict(table), rel=1e-12)
    one_row = as_function(trees)
    assert [one_row(row) for row in table.tolist()] == pytest.approx(model.predict(table), rel=1e-12)


def test_other_questions_than_less_or_equal_are_refused() -> None:
    leaves = [{"node_id": number, "leaf_value": 1.0} for number in (1, 2)]
    split = {
        "node_id": 0,
        "split_feature_id": 0,
        "comparison_op": "<",
        "threshold": 0.5,
        "left_child": 1,
        "right_child": 2,
    }
    trees = SimpleNamespace(
        dump_as_json=lambda: json.dumps({"base_scores": [0.0], "trees": [{"nodes": [split, *leaves]}]})
    )
    for form in (as_function, as_table_function):
        with pytest.raises(CannotCompile, match="something else"):
            form(trees)


def test_a_model_of_another_kind_is_not_compiled(models_dir: Path) -> None:
    with pytest.raises(CannotCompile, match="LinearDiscriminantAnalysis"):
        compile_model(load_artifact(models_dir / "iris").model)


def test_the_service_answers_like_the_model(client: httpx.Client, house_price: Artifact) -> None:
    sales = load_house_sales().sample(30, random_state=0)
    prices = [client.post("/v1/house-price", json=row).json()["price"] for row in rows(sales)]
    assert prices == pytest.approx(list(house_price.model.predict(sales[FEATURES])), rel=1e-9)
    batch = client.post("/v1/house-price/batch", json={"houses": rows(sales)}).json()
    assert [one["price"] for one in batch["predictions"]] == pytest.approx(prices, rel=1e-9)
    assert batch["model_version"] == house_price.metadata.version


def test_an_own_fault_keeps_the_request_id(models_dir: Path) -> None:
    """The answer to an own fault is made outside of all middleware, and still carries the id."""
    app = create_app(models_dir)

    @app.get("/boom")
    def boom() -> None:
        raise RuntimeError("secret")

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
            return await client.get("/boom", headers={"X-Request-ID": "mine"})

    answer = asyncio.run(ask())
    assert (answer.status_code, answer.headers["x-request-id"]) == (500, "mine")
    assert "secret" not in answer.text


def test_generated_requests_find_no_fault(server: Server) -> None:
    from lab2_judges.generated import first_problem

    document = httpx.get(server.url + "/openapi.json", trust_env=False).text
    assert first_problem(server.url, document, seed=20261121, examples=25) == ""


def test_nothing_is_printed_but_json_once_it_runs(server: Server) -> None:
    httpx.get(server.url + "/livez", trust_env=False)
    lines = [line for line in server.output().splitlines() if not line.startswith("INFO: ")]
    assert lines
    assert all(json.loads(line)["level"] in ("INFO", "WARNING", "ERROR") for line in lines)


def test_sigterm_ends_it(models_dir: Path) -> None:
    command = [sys.executable, "-m", "uvicorn", "--factory", "lab2_service.app:create_app", "--port", "{port}"]
    environment = {"PYTHONPATH": str(ROOT / "solutions"), "MODELS_DIR": str(models_dir)}
    with serve(command, health="/livez", env=environment) as server:
        os.kill(server.pid, signal.SIGTERM)
        os.waitid(os.P_PID, server.pid, os.WEXITED | os.WNOWAIT)
        assert not is_healthy(server.url + "/livez")
        assert "Application shutdown complete" in server.output()
