"""Lab 3 on a real cluster: any that `make live-kubernetes` is given. Each test says what must survive what.

The namespace, its pods and policies are the tests' own, and nothing else on the cluster is evicted or deleted. A node
is cordoned for the seconds of one test.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from k8s import clusters, live, system
from k8s.system import NAME
from k8s.trial import Trial, patch, trial
from k8s.waiting import until

ROOT = Path(__file__).resolve().parents[2]
KUBECONFIG = os.environ.get("MLOPS_LAB_CLUSTER")
IMAGE = os.environ.get("IMAGE")
TRACK = Path(os.environ.get("MLOPS_LAB_TRACK", ROOT / "solutions"))
OVERLAY = TRACK / system.LAB / "overlays" / "kind"
CLIENTS = 4

pytestmark = [
    pytest.mark.skipif(
        not (KUBECONFIG and IMAGE), reason="no cluster was named: `make cluster-up`, then `make live-kubernetes`"
    ),
    pytest.mark.skipif(not OVERLAY.is_dir(), reason="lab 3 has no overlay yet"),
]


@pytest.fixture(scope="module")
def site() -> Iterator[Trial]:
    """The solution of lab 3, rolled out with two pods, and a visitor that may ask it."""
    assert KUBECONFIG is not None
    assert IMAGE is not None
    os.environ["KUBECONFIG"] = KUBECONFIG
    cluster = clusters.current()
    with trial(cluster, IMAGE, TRACK) as one:
        live.begin(one, seconds=300)
        system.ready(cluster.entrance(), host=one.host)
        yield one


@pytest.fixture(autouse=True)
def two_pods(site: Trial) -> None:
    """Each test begins with two pods that are available, wherever the one before has stopped."""
    site.available(2)


@pytest.mark.parametrize("one", live.CHECKS, ids=lambda one: f"{one.exercise}-{one.name}")
def test_the_reference_is_seen_right(site: Trial, one: live.Live) -> None:
    """The checks of `lab check 3 --live`, each on the solution."""
    try:
        one.check(site)
    except live.Skip as skip:
        pytest.skip(str(skip))


def test_a_killed_pod_costs_at_most_what_was_in_flight_on_it(site: Trial) -> None:
    """One that gets no time to end. Every client has one request in flight at most, and another pod takes its place."""
    victim = site.names()[0]
    with site.load("ingress", CLIENTS) as seen:
        site.kubectl.run("delete", "pod", victim, "--grace-period=0", "--force")
        until("another pod", lambda: victim not in site.names() and len(site.names()) >= 2, 60)
        site.available(2)
    assert seen.losses <= CLIENTS, seen
    assert seen.answered > 20


def test_a_drained_node_loses_no_request_and_the_budget_holds_it(site: Trial) -> None:
    """`kubectl drain` asks for the eviction of each pod, and the budget lets one go at a time."""
    pods = site.pods()
    node = pods[0]["spec"]["nodeName"]
    if len(site.nodes()) < 2:
        pytest.skip("one node takes pods here: its pods would have nowhere to go")
    selector = f"--pod-selector=mlops-lab/trial={site.namespace},app.kubernetes.io/name={NAME}"
    try:
        with site.load("ingress", CLIENTS) as through_ingress, site.load("service", CLIENTS) as through_service:
            site.kubectl.run("drain", node, "--ignore-daemonsets", selector, "--timeout=180s")
            site.available(2)
    finally:
        site.kubectl.run("uncordon", node)
    live.lost_nothing(through_ingress, "Ingress")
    live.lost_nothing(through_service, "Service")
    assert {pod["spec"]["nodeName"] for pod in site.pods()} != {node}


def test_the_autoscaler_follows_the_load(site: Trial) -> None:
    """On the CPU that the pods really use: three pods where two are busy.

    The target is low here, so that a machine that has little to spare reaches it, too.
    """

    def figures() -> dict[str, Any]:
        found: dict[str, Any] = site.kubectl.get(f"hpa/{NAME}")["status"]
        return found

    target = patch("HorizontalPodAutoscaler", "/spec/metrics/0/resource/target/averageUtilization", 20, "replace")
    site.kubectl.run("patch", f"hpa/{NAME}", "--type=json", f"--patch={target['patch']}")
    until("figures of the CPU", lambda: bool(figures().get("currentMetrics")), 120, lambda: str(figures()))
    with site.load("ingress", clients=8, pause=0) as seen:
        until("a third pod", lambda: figures().get("desiredReplicas", 0) >= 3, 240, lambda: str(figures()))
        site.available(3)
    assert seen.lost == {}
    site.kubectl.run("patch", f"hpa/{NAME}", "--type=merge", '--patch={"spec":{"maxReplicas":2}}')
    until("two pods again", lambda: len(site.names()) == 2, 120)
