"""What Prometheus, Alertmanager and Grafana get of week 6: made from the files that the lab checks, no copy of them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
LAB = "lab6_monitoring"
NAMESPACE = "monitoring"
Document = dict[str, Any]


def documents(track: Path) -> list[Document]:
    """The objects of a track, `labs/` or `solutions/`. Raises where one of its files cannot be read."""
    lab = track / LAB
    rules = yaml.safe_load((lab / "rules.yml").read_text(encoding="utf-8"))
    # The first job is the service. That of the drift runs beside a learner's log, and not on the cluster.
    scrape, *_ = yaml.safe_load((lab / "prometheus.yml").read_text(encoding="utf-8"))["scrape_configs"]
    return [
        _configuration("ConfigMap", "alert-webhook", {"webhook.py": (lab / "webhook.py").read_text(encoding="utf-8")}),
        _configuration("ConfigMap", "house-prices", {"house-prices.json": _dashboard(track)}, grafana_dashboard="1"),
        # The operator wants a Secret, since other people's files have passwords in them. This one has none.
        _configuration(
            "Secret",
            "alertmanager-routes",
            {"alertmanager.yaml": (lab / "alertmanager.yml").read_text(encoding="utf-8")},
        ),
        _object("monitoring.coreos.com/v1", "PrometheusRule", "predictions", spec={"groups": rules["groups"]}),
        _monitor(scrape["job_name"]),
    ]


def is_custom(document: Document) -> bool:
    """Whether the cluster knows the kind only after the chart is installed."""
    return "monitoring.coreos.com" in document["apiVersion"]


def _monitor(job: str) -> Document:
    """The pods behind the Service of lab 3, as the job that the rules speak of."""
    return _object(
        "monitoring.coreos.com/v1",
        "ServiceMonitor",
        "ml-api",
        spec={
            "namespaceSelector": {"matchNames": ["ml-api"]},
            "selector": {"matchLabels": {"app.kubernetes.io/name": "ml-api"}},
            "endpoints": [
                {
                    "port": "http",
                    "path": "/metrics",
                    "interval": "15s",
                    # By itself it would be named after the Service.
                    "relabelings": [{"targetLabel": "job", "replacement": job}],
                }
            ],
        },
    )


def _dashboard(track: Path) -> str:
    """The JSON that the lab's program prints. It runs in a process of its own: it is somebody's code."""
    paths = [track, ROOT / "solutions", ROOT / "shared"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, paths))}
    command = [sys.executable, "-m", f"{LAB}.dashboard"]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout


def _configuration(kind: str, name: str, content: dict[str, str], **labels: str) -> Document:
    made = _object("v1", kind, name, **{"stringData" if kind == "Secret" else "data": content})
    made["metadata"]["labels"] |= labels
    return made


def _object(api: str, kind: str, name: str, **content: Any) -> Document:
    labels = {"app.kubernetes.io/part-of": "mlops-lab"}
    return {
        "apiVersion": api,
        "kind": kind,
        "metadata": {"name": name, "namespace": NAMESPACE, "labels": labels},
        **content,
    }
