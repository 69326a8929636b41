"""Measure lab 3 on a cluster: requests lost, time to ready, memory, and how soon it scales.

    make cluster-up ARGS=--offline
    make bench-cluster                  print the figures; takes about ten minutes
    make bench-cluster ARGS=--write     and store them in weeks/week3_kubernetes/cluster_figures.json

It takes the cluster that KUBECONFIG names, else the one of `make cluster-up`; with IMAGE it takes that image, else it
builds one. It works in a namespace of its own, which it removes. Losses are counted by clients that ask through the
Ingress and through the Service while something happens to the pods.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import sys
from typing import Any

from bench.cluster.measuring import CLIENTS, PARTS, Figures, start_to_ready
from bench.common import ROOT, machine
from k8s import clusters, system
from k8s.offline import cluster as offline
from k8s.offline.settings import Folders
from k8s.trial import trial

TO = ROOT / "weeks" / "week3_kubernetes" / "cluster_figures.json"


def main() -> int:
    """Measure, print, and write where that is wanted."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.cluster", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--write", action="store_true", help=f"write {TO.relative_to(ROOT)}")
    parser.add_argument("--only", action="append", choices=[part.__name__ for part in PARTS], help="only this part")
    options = parser.parse_args()
    cluster = clusters.current()
    about = describe(cluster)
    image = os.environ.get("IMAGE")
    if not image:
        image = system.build_image("solutions")
        cluster.load(image)
    figures: Figures = {}
    with trial(cluster, image, ROOT / "solutions") as site:
        site.apply()
        site.visitor()
        system.ready(cluster.entrance(), host=site.host)
        figures |= start_to_ready(site)
        for part in PARTS:
            if not options.only or part.__name__ in options.only:
                print(f"{part.__name__} …", file=sys.stderr, flush=True)
                figures |= part(site)
    for name, value in figures.items():
        print(f"{name:36} {value}")
    if options.write:
        kept = json.loads(TO.read_text(encoding="utf-8")) if options.only and TO.is_file() else {}
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        times = {part.__name__: now for part in PARTS if not options.only or part.__name__ in options.only}
        measured = {
            "command": "make bench-cluster ARGS=--write",
            "measured_at": {**kept.get("measured_at", {}), **times},
            **machine(),
            "cluster": about,
            "clients": CLIENTS,
            "figures": {**kept.get("figures", {}), **figures},
        }
        TO.write_text(json.dumps(measured, indent=2) + "\n", encoding="utf-8")
    return 0


def describe(cluster: clusters.Cluster) -> dict[str, Any]:
    """What kind of cluster it is; for one that is ours also its first start, and its memory without the service."""
    nodes = cluster.kubectl.get("nodes")["items"]
    told: dict[str, Any] = {
        "made_by": cluster.kind,
        "nodes": len(nodes),
        "kubernetes": nodes[0]["status"]["nodeInfo"]["kubeletVersion"],
    }
    started = cluster.kubeconfig.resolve().parent / "up.json"
    if started.is_file():
        told |= {name: round(value, 1) for name, value in json.loads(started.read_text(encoding="utf-8")).items()}
    if cluster.kind == "offline":
        told["memory_mb"] = round(offline.memory(Folders.usual()) / 1e6)
    return told


if __name__ == "__main__":
    sys.exit(main())
