"""What the metrics cost the service, and how long a scrape takes."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import psutil

from bench.common import ROOT, median, say
from bench.serving.load import run_load
from mlops_lab.processes import Server, serve

APPS = ("plain", "metrics", "logged")
CONNECTIONS = 8
SCRAPES = 30
Measured = dict[str, float]


def measure(rounds: int, seconds: float) -> Measured:
    """Load the services in turns; each round compares what stands beside each other in it."""
    with tempfile.TemporaryDirectory(prefix="bench-monitoring-") as folder, ExitStack() as stack:
        servers = {name: stack.enter_context(_serve(name, Path(folder))) for name in APPS}
        house = _house()
        body = json.dumps(house).encode()
        found: dict[str, list[tuple[float, float]]] = {name: [] for name in APPS}
        for number in range(rounds + 1):  # the first one warms up
            # In turns from both ends: what else the machine does grows and falls over the minutes.
            for name in APPS if number % 2 else reversed(APPS):
                one = _load(servers[name], body, seconds)
                if number:
                    found[name].append(one)
            say(f"round {number} of {rounds}")
        ratios = {
            name: [
                (other[0] / one[0], one[1] / other[1]) for one, other in zip(found[name], found["plain"], strict=True)
            ]
            for name in APPS[1:]
        }
        told: Measured = {}
        for name, pairs in ratios.items():
            told[f"{name}_throughput_percent"] = 100 * (statistics.median(pair[0] for pair in pairs) - 1)
            told[f"{name}_cpu_percent"] = 100 * (statistics.median(pair[1] for pair in pairs) - 1)
        for name in APPS:
            told[f"{name}_per_second"] = statistics.median(one[0] for one in found[name])
            told[f"{name}_cpu_us"] = 1e6 * statistics.median(one[1] for one in found[name])
        told |= _calls(Path(folder), body, 10 * rounds)
        # What metrics add to a request, by what a request costs the whole server, HTTP and socket included.
        told["added_percent"] = 100 * told["added_us"] / min(one[1] * 1e6 for one in found["plain"])
        return told | scrape_figures(servers["metrics"], house)


def _environment(folder: Path) -> dict[str, str]:
    return {
        "PYTHONPATH": f"{ROOT}:{ROOT / 'solutions'}:{ROOT / 'shared'}",
        "MODELS_DIR": str(folder / "models"),
        "MODELS": "house_price",
        "OMP_NUM_THREADS": "1",
    }


def _calls(folder: Path, body: bytes, rounds: int) -> Measured:
    command = [sys.executable, "-m", "bench.monitoring.calls", str(rounds)]
    done = subprocess.run(
        command, input=body, env=os.environ | _environment(folder), cwd=folder, stdout=subprocess.PIPE, check=True
    )
    told: Measured = json.loads(done.stdout.splitlines()[-1])
    return told


def _serve(name: str, folder: Path) -> Any:
    command = [sys.executable, "-m", "uvicorn", "--factory", f"bench.monitoring.apps:{name}", "--port", "{port}"]
    return serve([*command, "--no-access-log"], health="/readyz", env=_environment(folder), cwd=folder, timeout=300)


def _house() -> dict[str, Any]:
    from lab1_models.house_price import FEATURES
    from mlops_lab.datasets import load_house_sales

    row: dict[str, Any] = json.loads(load_house_sales()[FEATURES].iloc[0].to_json())
    return row | {"zipcode": int(row["zipcode"])}


def _load(server: Server, body: bytes, seconds: float) -> tuple[float, float]:
    """Requests per second, and the seconds of the processor that one took in the server."""
    process = psutil.Process(server.pid)
    before = process.cpu_times()
    started = time.perf_counter()
    load = run_load(f"{server.url}/v1/house-price", body, seconds, CONNECTIONS)
    took, after = time.perf_counter() - started, process.cpu_times()
    used = after.user + after.system - before.user - before.system
    return load.requests_per_second, used / (load.requests_per_second * took)


def scrape_figures(server: Server, house: dict[str, Any]) -> Measured:
    """Make all series that there can be, then scrape."""
    with httpx.Client(base_url=server.url, trust_env=False, timeout=60) as client:
        paths = [path.replace("{name}", "house_price") for path in client.get("/openapi.json").json()["paths"]]
        for path in [*paths, "/livez", "/readyz", "/docs", "/", "/nowhere"]:
            for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW"):
                client.request(method, path, json={})
        for zipcode in range(10_001, 10_101):
            client.post("/v1/house-price", json=house | {"zipcode": zipcode})
        client.post("/v1/house-price/batch", json={"houses": [house] * 50}).raise_for_status()
        text = client.get("/metrics").text
        milliseconds = 1_000 * median(lambda: client.get("/metrics").raise_for_status(), SCRAPES)
    series = sum(not line.startswith("#") for line in text.splitlines())
    return {"scrape_ms": milliseconds, "scrape_series": series, "scrape_kb": len(text.encode()) / 1_000}
