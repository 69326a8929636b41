"""Start what is compared, see that its answers are right, and load one after the other."""

from __future__ import annotations

import json
import statistics
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.common import memory_mb, say
from bench.serving.contenders import LAB, STARTS, Contender, NotHere, house, houses, start_lab
from bench.serving.load import Load, ask, run_load, times_of_single_requests
from bench.serving.report import Found
from bench.serving.rows import row_figures
from mlops_lab.artifacts import load_artifact
from mlops_lab.processes import Server, free_port, is_healthy

CONNECTIONS = 8
BATCHES = 30
STARTS_TO_READY = 3
WARM_UP = 1.0  # seconds


def measure(
    models: Path, chosen: Sequence[Contender], seconds: float, rounds: int, *, own: bool = False
) -> tuple[dict[str, list[Load]], Found]:
    """Measure everything; return each round by the name of its contender, and what was found in all."""
    others = {"ready_s": statistics.median(seconds_to_ready(models) for _ in range(STARTS_TO_READY))}
    with ExitStack() as stack:
        servers, skipped = start(stack, models, chosen)
        here = [each for each in chosen if each.name in servers]
        expect_right_answers(models, here, servers)
        loads = load_in_rounds(here, servers, seconds, rounds, own=own)
        others |= batch_figures(servers[LAB.name])
        memory = {each.name: memory_mb(servers[each.name].pid) for each in here}
    say("one row, without a server")
    others |= row_figures(models)
    medians = {name: median_load(each) for name, each in loads.items()}
    return loads, Found(medians, memory, others, skipped)


def start(stack: ExitStack, models: Path, chosen: Sequence[Contender]) -> tuple[dict[str, Server], dict[str, str]]:
    """Start a server for each contender (echo and naive share theirs). Return them, and why others are not there."""
    servers: dict[str, Server] = {}
    started: dict[Any, Server] = {}
    skipped = {}
    for contender in chosen:
        begin = STARTS[contender.name]
        if begin not in started:
            say(f"starting: {contender.label}")
            try:
                started[begin] = stack.enter_context(begin(models))
            except NotHere as reason:
                skipped[contender.name] = str(reason)
                continue
        servers[contender.name] = started[begin]
    return servers, skipped


def expect_right_answers(models: Path, chosen: Sequence[Contender], servers: Mapping[str, Server]) -> None:
    """Ask each for the price of the house before it is loaded: it must be the price of the estimator itself."""
    import pandas as pd

    artifact = load_artifact(models / "house_price")
    frame = pd.DataFrame([house()])[list(artifact.metadata.features)]
    wanted = float(artifact.model.predict(frame)[0])
    for contender in chosen:
        answer = json.loads(ask(servers[contender.name].url + contender.path, contender.body()))
        if contender.has_model and abs(contender.price(answer) / wanted - 1) > 1e-6:
            raise SystemExit(f"{contender.label} says {contender.price(answer)}, the estimator says {wanted}")


def load_in_rounds(
    chosen: Sequence[Contender], servers: Mapping[str, Server], seconds: float, rounds: int, *, own: bool
) -> dict[str, list[Load]]:
    """Warm each up, then load one after the other, round by round."""
    loads: dict[str, list[Load]] = {each.name: [] for each in chosen}
    bodies = {each.name: each.body() for each in chosen}
    for number in range(rounds + 1):
        for each in chosen:
            url, body = servers[each.name].url + each.path, bodies[each.name]
            found = run_load(url, body, seconds if number else min(WARM_UP, seconds), CONNECTIONS, own=own)
            if number:
                loads[each.name].append(found)
                say(f"round {number}: {each.label}: {found.requests_per_second:,.0f}/s, p99 {found.p99_ms:.1f} ms")
    return loads


def median_load(loads: Sequence[Load]) -> Load:
    """Of each figure the median of the rounds."""
    rows = [asdict(load) for load in loads]
    return Load(**{name: statistics.median(row[name] for row in rows) for name in rows[0]})


def batch_figures(server: Server) -> dict[str, float]:
    """How long 1,000 houses take in one request: the median, and the longest."""
    body = json.dumps({"houses": houses(1_000)}).encode()
    url = server.url + "/v1/house-price/batch"
    times_of_single_requests(url, body, 3)
    milliseconds, answer = times_of_single_requests(url, body, BATCHES)
    if len(json.loads(answer)["predictions"]) != 1_000:
        raise SystemExit("the batch did not answer 1,000 prices")
    return {"batch_ms": statistics.median(milliseconds), "batch_max_ms": max(milliseconds)}


def seconds_to_ready(models: Path) -> float:
    """From the start of the process to the first 200 of `/readyz`, asked every 10 ms."""
    port, ready_at = free_port(), []
    give_up = time.perf_counter() + 60

    def ask_often() -> None:
        while not is_healthy(f"http://127.0.0.1:{port}/readyz") and time.perf_counter() < give_up:
            time.sleep(0.01)
        ready_at.append(time.perf_counter())

    asking = threading.Thread(target=ask_often, daemon=True)
    started = time.perf_counter()
    asking.start()
    with start_lab(models, port=port):
        asking.join()
    return ready_at[0] - started
