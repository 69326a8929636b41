"""What is done to lab 3 on a cluster, and what its clients saw of it."""

from __future__ import annotations

import datetime
import json
import statistics
import time
from typing import Any

from k8s.system import NAME
from k8s.trial import CONTAINER, Trial, patch, remove
from k8s.waiting import until

Figures = dict[str, Any]
CLIENTS = 4
SERVE = [
    "uvicorn",
    "--factory",
    "lab2_service.app:create_app",
    "--host",
    "0.0.0.0",
    "--port",
    "8000",
    "--no-access-log",
]
# The memory of all processes of a container, with what they share counted once.
MEMORY = """
import glob
total = 0
for path in glob.glob("/proc/[0-9]*/smaps_rollup"):
    try:
        total += sum(int(line.split()[1]) for line in open(path) if line.startswith("Pss:"))
    except OSError:
        pass
print(total * 1024)
"""

# In how many periods of 100 ms the container ran, and in how many the kernel stopped it, since its start.
PERIODS = """
import json, pathlib
for path in ("/sys/fs/cgroup/cpu/cpu.stat", "/sys/fs/cgroup/cpu,cpuacct/cpu.stat", "/sys/fs/cgroup/cpu.stat"):
    if pathlib.Path(path).is_file():
        print(json.dumps({name: int(value) for name, value in map(str.split, open(path))}))
        break
"""
WAIT = "import sys, time; time.sleep(float(sys.argv[1]))"
LIMITS = {"core": "1", "half": "500m", "quarter": "250m"}
PACE = 0.04  # seconds between an answer and the next question of a client


def start_to_ready(site: Trial) -> Figures:
    """From the start of the container to the condition Ready; Kubernetes writes both in whole seconds."""
    took = []
    for pod in site.pods():
        [ready] = [one["lastTransitionTime"] for one in pod["status"]["conditions"] if one["type"] == "Ready"]
        started = pod["status"]["containerStatuses"][0]["state"]["running"]["startedAt"]
        took.append((instant(ready) - instant(started)).total_seconds())
    return {"start_to_ready_s": statistics.median(took)}


def instant(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text)


def rolling_updates(site: Trial) -> Figures:
    """What a rolling update costs, as the reference has it and without its `preStop`."""
    found: Figures = {}
    for name, changes in (("with_prestop", []), ("without_prestop", [remove("Deployment", f"{CONTAINER}/lifecycle")])):
        site.apply(*changes)
        site.available(2)
        with site.load("ingress", CLIENTS) as ingress, site.load("service", CLIENTS) as service:
            site.restart()
        for way, seen in (("ingress", ingress), ("service", service)):
            found |= {f"{name}_{way}_{key}": value for key, value in seen.as_figures().items()}
    return found


def killed_pod(site: Trial) -> Figures:
    site.apply()
    site.available(2)
    victim = site.names()[0]
    with site.load("ingress", CLIENTS) as ingress, site.load("service", CLIENTS) as service:
        begin = time.monotonic()
        site.kubectl.run("delete", "pod", victim, "--grace-period=0", "--force")
        until("another pod", lambda: victim not in site.names() and len(site.names()) >= 2, 60)
        site.available(2)
        back = time.monotonic() - begin
    return {
        "killed_back_s": round(back, 1),
        **{f"killed_ingress_{key}": value for key, value in ingress.as_figures().items()},
        **{f"killed_service_{key}": value for key, value in service.as_figures().items()},
    }


def drained_node(site: Trial) -> Figures:
    node = site.pods()[0]["spec"]["nodeName"]
    selector = f"--pod-selector=mlops-lab/trial={site.namespace},app.kubernetes.io/name={NAME}"
    try:
        with site.load("ingress", CLIENTS) as ingress:
            begin = time.monotonic()
            site.kubectl.run("drain", node, "--ignore-daemonsets", selector, "--timeout=180s")
            took = time.monotonic() - begin
            site.available(2)
    finally:
        site.kubectl.run("uncordon", node)
    return {"drain_s": round(took, 1), **{f"drain_{key}": value for key, value in ingress.as_figures().items()}}


def memory(site: Trial) -> Figures:
    """What one pod needs with 1, 2 and 4 worker processes."""
    found: Figures = {}
    for workers in (1, 2, 4):
        command = [*SERVE, *(["--workers", str(workers)] if workers > 1 else [])]
        site.apply(
            patch("Deployment", f"{CONTAINER}/command", command),
            patch("Deployment", f"{CONTAINER}/resources/limits/memory", "2Gi", "replace"),
        )
        with site.load("service", clients=4):  # so that each worker has loaded and answered
            site.inside("visitor", WAIT, "5")
        found[f"memory_{workers}_workers_mb"] = round(int(site.inside(site.names()[0], MEMORY)) / 1e6)
    return found


def throttling(site: Trial) -> Figures:
    """The same clients at the same pace, and a pod that may use a core, half of one, or a quarter."""
    found: Figures = {}
    for name, limit in LIMITS.items():
        changes = {"limits/cpu": limit, "requests/cpu": limit if name == "quarter" else "250m"}
        site.apply(
            *(
                patch("Deployment", f"{CONTAINER}/resources/{path}", value, "replace")
                for path, value in changes.items()
            ),
            pods=1,
            most=1,
        )
        until("one pod", lambda: len(site.names()) == 1, 60)
        [pod] = site.names()
        with site.load("service", CLIENTS):  # a new pod is slow at first
            site.inside("visitor", WAIT, "3")
        before = json.loads(site.inside(pod, PERIODS))
        with site.load("service", CLIENTS, pause=PACE) as seen:
            site.inside("visitor", WAIT, "20")
        after = json.loads(site.inside(pod, PERIODS))
        periods, stopped = (after[one] - before[one] for one in ("nr_periods", "nr_throttled"))
        found |= {
            f"{name}_requests": seen.answered,
            f"{name}_lost": seen.losses,
            f"{name}_p50_ms": seen.p50_ms,
            f"{name}_p99_ms": seen.p99_ms,
            f"{name}_throttled_percent": round(100 * stopped / periods) if periods else 0,
        }
    return found


def autoscaler(site: Trial) -> Figures:
    """From the first busy client to a third pod that is available. The autoscaler looks at CPU, 70 % of the request."""
    site.apply(most=2)  # the busy start of the pods may have been load enough
    until("two pods", lambda: len(site.names()) == 2, 120)
    until("figures of the CPU", lambda: bool(site.kubectl.get(f"hpa/{NAME}")["status"].get("currentMetrics")), 180)
    begin = time.monotonic()
    with site.load("ingress", clients=8, pause=0) as seen:
        site.kubectl.run("patch", f"hpa/{NAME}", "--type=merge", '--patch={"spec":{"maxReplicas":3}}')
        site.available(3, 300)
        took = time.monotonic() - begin
    return {"scaled_s": round(took, 1), "scaled_lost": seen.losses}


PARTS = (rolling_updates, killed_pod, drained_node, memory, throttling, autoscaler)
