"""What the checks of lab 6 cannot see: several real workers, figures in two files, our routes beside amtool's."""

from __future__ import annotations

import io
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import numpy as np
import pytest
from lab6_judges import routing, scrapes
from lab6_judges.queries import SEVERITIES

from lab6_monitoring.logs import print_line
from lab6_monitoring.metrics import LATENCIES, LATENCY_BUDGET
from labkit.checking.documents import Documents
from labkit.course.catalog import load_catalog
from labkit.course.mutants import apply_mutant, load_alternatives
from labkit.tools import find
from mlops_lab.processes import serve
from mlops_probes.service import say as probe_says
from weeks.week6_monitoring.figures import BUDGET, BURNS

ROOT = Path(__file__).resolve().parents[2]
LAB = ROOT / "solutions" / "lab6_monitoring"


def test_each_of_several_workers_answers_for_all(tmp_path: Path) -> None:
    models, *_ = scrapes.draw(np.random.default_rng(6))
    for path, data in models.files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(data)
    (tmp_path / "workers").mkdir()
    app = ["--factory", "lab6_monitoring.service:create_app", "--port", "{port}", "--workers", "2", "--no-access-log"]
    environment = {
        "PYTHONPATH": f"{ROOT / 'solutions'}:{ROOT / 'shared'}",
        "MODELS_DIR": str(tmp_path),
        "PROMETHEUS_MULTIPROC_DIR": str(tmp_path / "workers"),
        "OMP_NUM_THREADS": "1",
    }
    with serve([sys.executable, "-m", "uvicorn", *app], health="/livez", env=environment, timeout=120) as server:
        for _ in range(40):  # a connection each, so that both workers get some
            httpx.get(f"{server.url}/v1/models", trust_env=False).raise_for_status()
        text = httpx.get(f"{server.url}/metrics", trust_env=False, timeout=30).text
    assert 'http_requests_total{method="GET",route="/v1/models",status="200"} 40.0' in text
    assert "pid=" not in text


class Pieces(io.StringIO):
    """A stdout that keeps what was written to it, write by write."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[str] = []

    def write(self, text: str) -> int:
        """Keep a piece."""
        self.pieces.append(text)
        return super().write(text)


@pytest.mark.parametrize("say", [print_line, probe_says], ids=["the line of a prediction", "the line of a probe"])
def test_a_line_is_one_write(say: Callable[[str], None], monkeypatch: pytest.MonkeyPatch) -> None:
    """Where stdout is unbuffered, a second write is a place for the line of another thread."""
    stdout = Pieces()
    monkeypatch.setattr(sys, "stdout", stdout)
    say("a price")
    assert stdout.pieces == ["a price\n"]


def test_the_budgets_are_those_of_the_rules() -> None:
    rules = (LAB / "rules.yml").read_text(encoding="utf-8")
    assert f"job:prediction_duration_seconds:p99_5m > {LATENCY_BUDGET}\n" in rules
    assert LATENCY_BUDGET in LATENCIES
    for name, (factor, window, _) in BURNS.items():
        hours = window // 60
        assert f"job:prediction_errors:ratio_rate{hours}h > {factor:g} * {BUDGET}" in rules, name


def test_each_runbook_is_asked_for() -> None:
    named = set(re.findall(r"runbook: runbooks\.md#([\w-]+)", (LAB / "rules.yml").read_text(encoding="utf-8")))
    headings = re.findall(r"^## (.+)$", (LAB / "runbooks.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert named == {heading.lower().replace(" ", "-") for heading in headings}


@pytest.mark.skipif(find("amtool") is None, reason="`amtool` is not there; `lab doctor` says how to get it")
def test_our_routes_are_those_of_amtool(tmp_path: Path) -> None:
    lab = load_catalog(ROOT).lab("lab6_monitoring")
    solution = (LAB / routing.FILE).read_text(encoding="utf-8")
    others = [apply_mutant(solution, one) for one in load_alternatives(ROOT, lab) if one.file == routing.FILE]
    rng = np.random.default_rng(6)
    for text in [solution, *others]:
        (tmp_path / routing.FILE).write_text(text, encoding="utf-8")
        document = (
            Documents({routing.FILE: text.encode()}, {}, lambda file, line: f"{file}:{line}").yaml(routing.FILE).one()
        )
        for name in [*SEVERITIES, "Other"]:
            alert = (
                routing.draw(rng, name) if name in SEVERITIES else {"alertname": name, "job": "x", "severity": "odd"}
            )
            labels = [f"{key}={value}" for key, value in alert.items()]
            command = [
                str(find("amtool")),
                "config",
                "routes",
                "test",
                f"--config.file={tmp_path / routing.FILE}",
                *labels,
            ]
            told = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
            assert told == [node.receiver for node in routing.route(document, alert)]
