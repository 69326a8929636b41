"""Each tool of the stack does one real thing. Here: a service, its metrics, its schema, a manifest, a browser."""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from mlops_lab.processes import Server, serve

APP = """
from fastapi import FastAPI
from pydantic import BaseModel


class House(BaseModel):
    area: float
    note: str | None = "none given"


app = FastAPI()


@app.get("/health")
def health() -> dict[str, str]:
    return {"status": "ok"}


@app.post("/predict")
def predict(house: House) -> dict[str, float | str | None]:
    return {"price": 3000 * house.area, "note": house.note}
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("service")
    (folder / "app.py").write_text(APP)
    command = [sys.executable, "-m", "uvicorn", "app:app", "--port", "{port}", "--app-dir", str(folder)]
    with serve(command) as running:
        yield running


def test_fastapi_keeps_an_explicit_null(server: Server) -> None:
    with httpx.Client(base_url=server.url, trust_env=False) as client:
        answer = client.post("/predict", json={"area": 100, "note": None})
        assert (answer.status_code, answer.json()) == (200, {"price": 300_000.0, "note": None})
        assert client.post("/predict", json={"area": "big"}).status_code == 422


def test_schemathesis_reads_the_schema_and_calls_the_service(server: Server) -> None:
    import schemathesis
    from hypothesis import given, settings
    from hypothesis.configuration import set_hypothesis_home_dir

    set_hypothesis_home_dir(None)
    schema = schemathesis.openapi.from_url(f"{server.url}/openapi.json")
    statuses = set()

    @settings(max_examples=5, deadline=None, database=None)
    @given(case=schema["/predict"]["POST"].as_strategy())
    def call(case: schemathesis.Case[Any]) -> None:
        statuses.add(case.call_and_validate().status_code)

    call()
    assert statuses == {200}


def test_prometheus_client_counts_and_is_read_back() -> None:
    from prometheus_client import CollectorRegistry, Counter, generate_latest
    from prometheus_client.parser import text_string_to_metric_families

    registry = CollectorRegistry()
    Counter("predictions", "Predictions made.", ["model"], registry=registry).labels("v1").inc(3)
    families = text_string_to_metric_families(generate_latest(registry).decode())
    values = {sample.name: sample.value for family in families for sample in family.samples}
    assert values["predictions_total"] == 3


def test_kubernetes_validate_knows_the_fields() -> None:
    import kubernetes_validate

    claim = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": {"level": "info"}}
    kubernetes_validate.validate(claim, "1.34", strict=True)
    with pytest.raises(kubernetes_validate.ValidationError, match="dota"):
        kubernetes_validate.validate(claim | {"dota": {}}, "1.34", strict=True)


def test_playwright_opens_a_page(tmp_path: Path) -> None:
    from playwright.sync_api import sync_playwright

    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        pytest.skip("no chromium on PATH (Debian: apt install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page()
        page.set_content("<button onclick='this.textContent = 2'>1</button>")
        page.get_by_role("button").click()
        assert page.get_by_role("button").text_content() == "2"
        browser.close()
