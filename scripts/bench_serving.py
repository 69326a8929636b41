"""Serve one model in five ways and load each: requests per second, latency, memory, all measured in this run.

    make bench-serving                     print the tables; takes about three minutes
    make bench-serving ARGS=--write        write weeks/week2_service: serving.json, figures.json, the guide, the picture
    make bench-serving ARGS='--seconds 2 --rounds 1 --only echo --only lab'

One worker, 8 connections and `OMP_NUM_THREADS=1` for each. The load comes from wrk (`apt-get install wrk`); where it is
missing, from a loop of ours. The runs go in rounds, so that a noisy minute hits all of them; the median counts.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bench_serving_contenders import (
    BENTOML,
    CONTENDERS,
    ENVIRONMENT,
    LAB,
    MLFLOW,
    STARTS,
    Contender,
    NotHere,
    bentoml_version,
    house,
    houses,
    start_lab,
)
from bench_serving_load import Load, ask, generator, run_load, times_of_single_requests
from bench_serving_report import (
    Found,
    figures_of,
    load_table,
    machine,
    requests_per_second,
    rows_table,
    target_table,
)
from bench_serving_rows import row_figures
from guide_figures import Figures, fill
from mlops_lab.artifacts import load_artifact
from mlops_lab.files import write_atomically
from mlops_lab.plots import save_png
from mlops_lab.processes import Server, free_port, is_healthy

ROOT = Path(__file__).resolve().parents[1]
WEEK = ROOT / "weeks" / "week2_service"
CONNECTIONS = 8
BATCHES = 30
STARTS_TO_READY = 3
WARM_UP = 1.0  # seconds


def main() -> int:
    """Measure, print, and write where that is wanted."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=8.0, help="of each run (default: 8)")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each contender (default: 3)")
    parser.add_argument(
        "--only", action="append", choices=[each.name for each in CONTENDERS], help="only this one, and lab 2"
    )
    parser.add_argument("--own-load", action="store_true", help="our own loop also where wrk is there")
    parser.add_argument("--models", type=Path, help="folder of the artifacts (default: trained anew)")
    parser.add_argument("--write", action="store_true", help=f"write into {WEEK.relative_to(ROOT)}")
    options = parser.parse_args()
    if options.write and options.only:
        parser.error("--write is for all five: leave out --only")
    os.environ.update(ENVIRONMENT)
    sys.path.insert(0, str(ROOT / "solutions"))
    chosen = [each for each in CONTENDERS if options.only is None or each.name in {*options.only, LAB.name}]
    with trained_models(options.models) as models:
        rounds, found = measure(models, chosen, options.seconds, options.rounds, own=options.own_load)
    how = generator(own=options.own_load)
    figures = figures_of(found)
    lines = report(figures, found, f"{how}, {CONNECTIONS} connections, {options.rounds} x {options.seconds:g} s")
    print("\n".join(lines))
    if options.write:
        # The guide compares all five. Figures of two days, or of two machines, must not stand side by side.
        if found.skipped:
            raise SystemExit(f"nothing is written: {', '.join(found.skipped)} could not be measured")
        facts = {"load": how, "connections": CONNECTIONS, "seconds": options.seconds}
        write(figures, facts, rounds, lines)
    return 0


@contextmanager
def trained_models(folder: Path | None) -> Iterator[Path]:
    """Train the three models of the service into a temporary folder, or take those that are there."""
    from lab2_service.training import TRAINERS, ensure_artifact

    with tempfile.TemporaryDirectory(prefix="bench-") as temporary:
        models = (folder or Path(temporary)).resolve()
        for name in TRAINERS:
            ensure_artifact(models, name)
        yield models


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


def memory_mb(pid: int) -> float:
    """Resident memory of a process and all that it started. What they share counts once for each."""
    listed = subprocess.run(
        ["ps", "-A", "-o", "pid=", "-o", "ppid=", "-o", "rss="], capture_output=True, text=True, check=True
    ).stdout
    table = [tuple(map(int, line.split())) for line in listed.splitlines()]
    family, before = {pid}, 0
    while len(family) > before:
        before = len(family)
        family |= {child for child, parent, _ in table if parent in family}
    return sum(kilobytes for member, _, kilobytes in table if member in family) * 1024 / 1e6


def report(figures: Figures, found: Found, how: str) -> list[str]:
    """The tables as lines of text."""
    here = machine()
    head = [f"{here['cpu']}, {here['cores']} cores; {how}; one worker, OMP_NUM_THREADS=1", ""]
    skipped = [f"not measured: {name}: {reason}" for name, reason in found.skipped.items()]
    return [*head, *load_table(figures), *skipped, "", *rows_table(figures), "", *target_table(figures)]


def write(figures: Figures, facts: Mapping[str, Any], rounds: Mapping[str, list[Load]], lines: list[str]) -> None:
    """Write what was measured, its figures beside those of others, the picture, and the guide where there is one."""
    libraries = [*("fastapi", "uvicorn", "scikit-learn", "treelite"), *([MLFLOW.name] if MLFLOW.name in rounds else [])]
    versions = {name: version(name) for name in libraries}
    if BENTOML.name in rounds:
        versions[BENTOML.name] = bentoml_version()
    measured = {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        **machine(),
        "versions": versions,
        **facts,
        "figures": figures,
        "rounds": {name: [asdict(load) for load in loads] for name, loads in rounds.items()},
        "table": lines,
    }
    write_atomically(WEEK / "serving.json", json.dumps(measured, indent=2, ensure_ascii=False) + "\n")
    save_png(requests_per_second(figures), WEEK / "figures" / "requests_per_second.png")
    path, guide = WEEK / "figures.json", WEEK / "README.md"
    kept: Figures = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    kept |= {**figures, "serving_table": "\n".join(lines) + "\n"}
    pairs = [f"  {json.dumps(name)}: {json.dumps(value, ensure_ascii=False)}" for name, value in kept.items()]
    write_atomically(path, "{\n" + ",\n".join(pairs) + "\n}\n")
    if guide.exists():
        write_atomically(guide, fill(guide.read_text(encoding="utf-8"), kept))


def say(text: str) -> None:
    """Tell how far it is, beside the tables."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
