"""From the service to the pager, with the real Prometheus and Alertmanager: break it, be told, mend it, be told."""

from __future__ import annotations

import contextlib
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import promql_parser
import pytest
import yaml
from lab2_judges.services import typical
from lab6_judges import dashboards, scrapes

from lab1_models.house_price import FEATURES
from lab6_monitoring.dashboard import WINDOW, queries
from lab6_monitoring.webhook import Message, lines
from labkit.tools import find
from mlops_lab.processes import Server, free_port, serve
from weeks.demo.alarm import receiving
from weeks.demo.serving import Callers
from weeks.week6_monitoring.report import Prometheus, from_prometheus

ROOT = Path(__file__).resolve().parents[2]
LAB = ROOT / "solutions" / "lab6_monitoring"
TOOLS = {name: find(name) for name in ("prometheus", "promtool", "alertmanager", "amtool")}
FOLDERS = f"{ROOT / 'solutions'}:{ROOT / 'shared'}"
PATIENCE = 120.0
# A minute of the rules is a second here: `[5m]` becomes `[5s]`, `1h` becomes `60s`.
FASTER = 60
UNITS = {"s": 1, "m": 60, "h": 3_600}

missing = ", ".join(f"`{name}`" for name, path in TOOLS.items() if path is None)
pytestmark = pytest.mark.skipif(bool(missing), reason=f"{missing}: not there; `lab doctor` says how to get it")


def faster(text: str) -> str:
    """Rules or routes whose durations are those of a hurry."""

    def shorter(match: re.Match[str]) -> str:
        return f"{max(1, int(match['number']) * UNITS[match['unit']] // FASTER)}s"

    return re.sub(r"\b(?P<number>\d+)(?P<unit>[smh])\b", shorter, text)


class Inbox:
    """What has arrived at the receiver."""

    def __init__(self) -> None:
        self.alerts: list[tuple[str, str, str]] = []
        self.printed: list[str] = []
        self.news = threading.Condition()

    def tell(self, path: str, message: Message) -> None:
        with self.news:
            self.printed += lines(path, message)
            for alert in message["alerts"]:
                self.alerts.append((path, alert["labels"]["alertname"], alert["status"]))
            self.news.notify_all()

    def wait_for(self, path: str, name: str, status: str) -> None:
        with self.news:
            there = self.news.wait_for(lambda: (path, name, status) in self.alerts, PATIENCE)
        assert there, f"no {status} {name} at {path}: {self.alerts}"


def write_models(folder: Path, **options: Any) -> tuple[Path, dict[str, Any]]:
    """Models that were made this minute; return their folder and a house to ask for."""
    rng = np.random.default_rng(6)
    models, *_ = scrapes.draw(rng, **options)
    for path, data in models.files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    return folder, typical("house_price")


@contextlib.contextmanager
def service(models: Path, port: int, **environment: str) -> Iterator[Server]:
    command = [sys.executable, "-m", "uvicorn", "--factory", "lab6_monitoring.service:create_app", "--port", "{port}"]
    env = {"MODELS_DIR": str(models), "PYTHONPATH": FOLDERS, "OMP_NUM_THREADS": "1", **environment}
    with serve([*command, "--no-access-log"], health="/livez", port=port, env=env, timeout=PATIENCE) as server:
        yield server


@contextlib.contextmanager
def monitored(folder: Path, service_port: int, inbox: Inbox, drift_port: int | None = None) -> Iterator[Server]:
    """Prometheus and Alertmanager on the rules and routes of the solution, in a hurry; yields Prometheus."""
    with receiving(inbox.tell) as inbox_port, contextlib.ExitStack() as running:
        routes = faster((LAB / "alertmanager.yml").read_text(encoding="utf-8"))
        (folder / "alertmanager.yml").write_text(routes.replace("127.0.0.1:9099", f"127.0.0.1:{inbox_port}"))
        alerting = [
            str(TOOLS["alertmanager"]), f"--config.file={folder}/alertmanager.yml", f"--storage.path={folder}/silences",
            "--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address=", "--log.level=warn",
        ]  # fmt: skip
        alertmanager = running.enter_context(serve(alerting, health="/-/ready", timeout=PATIENCE))
        (folder / "rules.yml").write_text(faster((LAB / "rules.yml").read_text(encoding="utf-8")))
        asking = (LAB / "prometheus.yml").read_text(encoding="utf-8").replace("15s", "1s")
        asking = asking.replace("127.0.0.1:9093", f"127.0.0.1:{alertmanager.port}")
        asking = asking.replace("127.0.0.1:8001", f"127.0.0.1:{drift_port or free_port()}")
        (folder / "prometheus.yml").write_text(asking.replace("127.0.0.1:8000", f"127.0.0.1:{service_port}"))
        collecting = [
            str(TOOLS["prometheus"]), f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
            "--web.listen-address=127.0.0.1:{port}", "--rules.alert.resend-delay=1s", "--log.level=warn",
        ]  # fmt: skip
        yield running.enter_context(serve(collecting, health="/-/ready", timeout=PATIENCE))


def callers(port: int, house: dict[str, Any]) -> AbstractContextManager[None]:
    """Somebody who asks for prices all the time, whatever comes back."""
    return Callers(f"http://127.0.0.1:{port}", house).asking()


def wait_until(holds: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end, what
        time.sleep(0.2)


def ask(prometheus: Server, query: str) -> list[dict[str, Any]]:
    answer = httpx.get(f"{prometheus.url}/api/v1/query", params={"query": query}, trust_env=False).json()
    found: list[dict[str, Any]] = answer["data"]["result"]
    return [one for one in found if one["value"][1] != "NaN"]


def wait_for_answer(prometheus: Server, query: str, what: str) -> None:
    wait_until(lambda: bool(ask(prometheus, query)), what)


def value(prometheus: Server, query: str) -> float | None:
    found = ask(prometheus, query)
    return float(found[0]["value"][1]) if found else None


@pytest.mark.timeout(900)
def test_somebody_is_told_when_it_breaks_and_when_it_is_mended(tmp_path: Path) -> None:
    good, house = write_models(tmp_path / "good")
    bad, _ = write_models(tmp_path / "bad", error="a release that fails")
    inbox, port = Inbox(), free_port()
    with monitored(tmp_path, port, inbox) as prometheus, callers(port, house):
        with service(good, port):
            wait_until(lambda: (value(prometheus, "job:prediction_requests:rate5m") or 0) > 0, "no traffic is seen")
            wait_until(lambda: (value(prometheus, "sum(predictions_total)") or 0) > 0, "no prediction is seen")
            wait_until(lambda: value(prometheus, "job:prediction_errors:ratio_rate5m") == 0, "it never looks well")
        inbox.wait_for("/page", "ServiceDown", "firing")
        with service(bad, port):
            inbox.wait_for("/page", "ErrorBudgetBurnsFast", "firing")
        with service(good, port):
            inbox.wait_for("/page", "ErrorBudgetBurnsFast", "resolved")
            inbox.wait_for("/page", "ServiceDown", "resolved")
    assert {path for path, name, _ in inbox.alerts if name in ("ServiceDown", "ErrorBudgetBurnsFast")} == {"/page"}
    assert any("runbooks.md#service-down" in line for line in inbox.printed)


@pytest.mark.timeout(600)
def test_each_panel_has_an_answer_and_each_metric_of_the_rules_is_there(tmp_path: Path) -> None:
    models, house = write_models(tmp_path / "models")
    port, kept = free_port(), tmp_path / "features"
    drift_job = [sys.executable, "-m", "lab6_monitoring.drift_job", "--folder", str(kept), "--port", "{port}"]
    env = {"PYTHONPATH": FOLDERS, "OMP_NUM_THREADS": "1"}
    with (
        service(models, port, FEATURE_LOG=str(kept)) as serving,
        serve([*drift_job, "--every", "2"], health="/metrics", env=env, timeout=PATIENCE) as job,
        monitored(tmp_path, port, Inbox(), job.port) as prometheus,
        callers(port, house),
    ):
        wait_for_answer(prometheus, "predictions_total > 0", "no prediction is seen")
        batch = {"houses": [house] * 250}
        httpx.post(f"{serving.url}{scrapes.BATCH}", json=batch, trust_env=False, timeout=60).raise_for_status()
        for title, query in queries().items():
            wait_for_answer(prometheus, query.replace(WINDOW, "20s"), f"`{title}` is empty: {query}")
        assert {one["metric"]["feature"] for one in ask(prometheus, queries()["Drift"])} == set(FEATURES)
        page = from_prometheus(Prometheus(prometheus.url), hours=0.25)
        assert [panel.title for panel in page.panels if panel.lines.empty] == []
        assert set(page.tables["Whom Prometheus asks"]["job"]) == {"predictions", "drift"}
        for name in metrics_of_the_rules():
            wait_for_answer(prometheus, name, f"nobody has `{name}`")
        # All houses are the same one: the rule sees what the job says.
        pending = 'ALERTS{alertname="FeatureDrift",feature="sqft_living"}'
        wait_for_answer(prometheus, pending, f"the rule does not see the drift: {job.output()}")


def metrics_of_the_rules() -> set[str]:
    """All that the rules ask for, what they record themselves included."""
    groups = yaml.safe_load((LAB / "rules.yml").read_text(encoding="utf-8"))["groups"]
    trees = [promql_parser.parse(rule["expr"]) for group in groups for rule in group["rules"]]
    return {str(node.name) for tree in trees for node, _ in dashboards.selectors(tree)}


def test_prometheus_and_alertmanager_accept_the_files() -> None:
    for command in (
        [TOOLS["promtool"], "check", "config", "prometheus.yml"],
        [TOOLS["promtool"], "check", "rules", "rules.yml"],
        [TOOLS["amtool"], "check-config", "alertmanager.yml"],
    ):
        done = subprocess.run([str(part) for part in command], cwd=LAB, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
