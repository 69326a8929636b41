"""Prometheus and Alertmanager on the learner's rules, the scores that they look at, and the inbox of whoever is told.

A month takes seconds here, so `FeatureDrift` waits for seconds too, and Alertmanager groups for a second. All else is
what `rules.yml` and `alertmanager.yml` say.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from labkit.tools import find
from mlops_lab.processes import serve

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

ALERT = "FeatureDrift"
WAIT = "2s"
PATIENCE = 60.0


@dataclass(frozen=True)
class Message:
    """An alert that has arrived: `firing` or `resolved`, and the line that `webhook.py` prints."""

    when: float
    status: str
    alert: str
    line: str

    @property
    def where(self) -> str:
        """`Ticket` or `Page`."""
        return self.line.split()[0].capitalize()


@dataclass
class Inbox:
    """What has arrived."""

    messages: list[Message] = field(default_factory=list)
    news: threading.Condition = field(default_factory=threading.Condition)

    def tell(self, path: str, message: dict[str, Any]) -> None:
        """Take what Alertmanager sends."""
        from lab6_monitoring.webhook import lines

        now = time.monotonic()
        with self.news:
            for alert, line in zip(message.get("alerts", []), lines(path, message), strict=True):
                self.messages.append(Message(now, alert["status"], alert["labels"].get("alertname", "?"), line))
            self.news.notify_all()

    def wait_for(self, status: str, alert: str, since: float) -> Message | None:
        """Return the first message of that kind that has come after `since`; None where it does not come in time."""

        def found() -> Message | None:
            fitting = (one for one in self.messages if (one.status, one.alert) == (status, alert) and one.when >= since)
            return next(fitting, None)

        with self.news:
            self.news.wait_for(lambda: found() is not None, PATIENCE)
            return found()


@contextlib.contextmanager
def served(registry: CollectorRegistry) -> Iterator[int]:
    """Serve metrics on a free port, which it yields."""
    from prometheus_client import start_http_server

    server, thread = start_http_server(0, "127.0.0.1", registry)
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def missing() -> list[str]:
    """The programs that are needed and not there."""
    return [name for name in ("prometheus", "alertmanager") if find(name) is None]


@contextlib.contextmanager
def watching(lab: Path, folder: Path, service: str, drift: CollectorRegistry) -> Iterator[Inbox]:
    """Run both programs and the receiver until the end of the `with` block.

    `service` is `host:port`, and `drift` has the metrics of the job that looks for drift.
    """
    folder.mkdir(parents=True, exist_ok=True)
    inbox = Inbox()
    with contextlib.ExitStack() as stack:
        receiver = stack.enter_context(receiving(inbox.tell))
        routes = hurried_routes(yaml.safe_load((lab / "alertmanager.yml").read_text(encoding="utf-8")), receiver)
        alerting = [
            str(find("alertmanager")), f"--config.file={written(folder / 'alertmanager.yml', routes)}",
            f"--storage.path={folder}/silences", "--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address=",
        ]  # fmt: skip
        alertmanager = stack.enter_context(serve(alerting, health="/-/ready", timeout=PATIENCE))
        written(folder / "rules.yml", hurried_rules(yaml.safe_load((lab / "rules.yml").read_text(encoding="utf-8"))))
        job = f"127.0.0.1:{stack.enter_context(served(drift))}"
        asking = scraping(service, job, f"127.0.0.1:{alertmanager.port}")
        collecting = [
            str(find("prometheus")), f"--config.file={written(folder / 'prometheus.yml', asking)}",
            f"--storage.tsdb.path={folder}/data", "--web.listen-address=127.0.0.1:{port}",
            "--rules.alert.resend-delay=1s",
        ]  # fmt: skip
        stack.enter_context(serve(collecting, health="/-/ready", timeout=PATIENCE))
        yield inbox


@contextlib.contextmanager
def receiving(tell: Callable[[str, dict[str, Any]], None]) -> Iterator[int]:
    """Run week 6's receiver, which calls `tell(path, message)`; yields its port."""
    from lab6_monitoring.webhook import make_server

    server = make_server(tell, port=0)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1})
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def hurried_rules(rules: dict[str, Any]) -> dict[str, Any]:
    """The same rules, where `ALERT` waits for `WAIT`."""
    groups = [
        {**group, "rules": [{**rule, "for": WAIT} if rule.get("alert") == ALERT else rule for rule in group["rules"]]}
        for group in rules["groups"]
    ]
    return {**rules, "groups": groups}


def hurried_routes(routes: dict[str, Any], port: int) -> dict[str, Any]:
    """The same routes, where groups wait for a second, and the receivers are at `port`."""

    def hurried(route: dict[str, Any]) -> dict[str, Any]:
        waits: dict[str, Any] = {key: "1s" for key in ("group_wait", "group_interval") if key in route}
        below = {"routes": [hurried(one) for one in route["routes"]]} if "routes" in route else {}
        return {**route, **waits, **below}

    receivers = [
        {
            **receiver,
            "webhook_configs": [
                {**one, "url": one["url"].replace(":9099", f":{port}")} for one in receiver.get("webhook_configs", [])
            ],
        }
        for receiver in routes["receivers"]
    ]
    return {**routes, "route": hurried(routes["route"]), "receivers": receivers}


def scraping(service: str, drift: str, alertmanager: str) -> dict[str, Any]:
    """What Prometheus is told: whom to ask, each second, and where to send what rings."""
    jobs = {"predictions": service, "drift": drift}
    return {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": ["rules.yml"],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [alertmanager]}]}]},
        "scrape_configs": [{"job_name": job, "static_configs": [{"targets": [to]}]} for job, to in jobs.items()],
    }


def written(path: Path, content: dict[str, Any]) -> Path:
    """Write a file of YAML; return its path."""
    path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    return path
