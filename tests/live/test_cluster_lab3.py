"""Lab 3 on a real cluster: any that `make live-kubernetes` is given. Each test says what must survive what.

The namespace, its pods and policies are the tests' own, and nothing else on the cluster is evicted or deleted. A node
is cordoned for the seconds of one test.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from k8s import clusters, system
from k8s.kubectl import KubectlError
from k8s.system import NAME
from k8s.trial import Seen, Trial, patch, trial
from k8s.waiting import GaveUpError, until
from labkit.course.labtoml import patience

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
        one.apply()
        one.visitor()
        system.ready(cluster.entrance(), host=one.host)
        yield one


@pytest.fixture(autouse=True)
def two_pods(site: Trial) -> None:
    """Each test begins with two pods that are available, wherever the one before has stopped."""
    site.available(2)


def lost_nothing(seen: Seen) -> None:
    assert seen.lost == {}, f"{seen.losses} of {seen.answered + seen.losses} requests"
    assert seen.answered > 20, "too few requests to say anything"


def test_it_runs_as_it_was_written(site: Trial) -> None:
    """As one that is not root, on a file system that it cannot write to, without a key to the API."""
    code = """
import os, json
def writes(path):
    try:
        open(path, "w").close()
    except OSError as error:
        return error.strerror
    return "written"
token = os.path.exists("/var/run/secrets/kubernetes.io")
print(json.dumps({"uid": os.getuid(), "write": writes("/x"), "token": token}))
"""
    found = json.loads(site.inside(site.names()[0], code))
    assert found["uid"] != 0
    assert found["write"] == "Read-only file system"
    assert not found["token"]


def test_the_pods_are_on_different_nodes(site: Trial) -> None:
    nodes = [node for node in site.kubectl.get("nodes")["items"] if not node["spec"].get("taints")]
    if len(nodes) < 2:
        pytest.skip("one node takes pods here")
    assert len({pod["spec"]["nodeName"] for pod in site.pods()}) == 2


@pytest.mark.parametrize("way", ["ingress", "service"])
def test_it_answers(site: Trial, way: str) -> None:
    with site.load(way, clients=1) as seen:
        site.inside("visitor", "import time; time.sleep(2)")
    lost_nothing(seen)


def test_a_rolling_update_loses_no_request(site: Trial) -> None:
    with site.load("ingress", CLIENTS) as through_ingress, site.load("service", CLIENTS) as through_service:
        site.restart()
    lost_nothing(through_ingress)
    lost_nothing(through_service)


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
    if sum(1 for one in site.kubectl.get("nodes")["items"] if not one["spec"].get("taints")) < 2:
        pytest.skip("one node takes pods here: its pods would have nowhere to go")
    selector = f"--pod-selector=mlops-lab/trial={site.namespace},app.kubernetes.io/name={NAME}"
    try:
        with site.load("ingress", CLIENTS) as through_ingress, site.load("service", CLIENTS) as through_service:
            site.kubectl.run("drain", node, "--ignore-daemonsets", selector, "--timeout=180s")
            site.available(2)
    finally:
        site.kubectl.run("uncordon", node)
    lost_nothing(through_ingress)
    lost_nothing(through_service)
    assert {pod["spec"]["nodeName"] for pod in site.pods()} != {node}


def test_the_budget_lets_one_pod_go_at_a_time(site: Trial) -> None:
    def evict(pod: str) -> str:
        asked = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod, "namespace": site.namespace}}
        path = f"/api/v1/namespaces/{site.namespace}/pods/{pod}/eviction"
        try:
            site.kubectl.run("create", "--raw", path, "--filename=-", stdin=json.dumps(asked))
        except KubectlError as error:
            return str(error)
        return ""

    first, second = site.names()[:2]
    until("a budget that allows one", lambda: bool(site.kubectl.get(f"pdb/{NAME}")["status"]["disruptionsAllowed"]), 60)
    assert evict(first) == ""
    assert "disruption budget" in evict(second)
    site.gone([first])


def test_a_bad_image_leaves_the_old_pods_serving(site: Trial) -> None:
    def waiting() -> set[str]:
        states = [status["state"] for pod in site.pods() for status in pod["status"].get("containerStatuses", ())]
        return {state["waiting"]["reason"] for state in states if "waiting" in state}

    bad = f"{site.image.rpartition(':')[0]}:not-there"
    with site.load("ingress", CLIENTS) as seen:
        site.kubectl.run("set", "image", f"deployment/{NAME}", f"{NAME}={bad}")
        until("a pod that gets no image", lambda: bool(waiting() & {"ErrImagePull", "ImagePullBackOff"}), 120)
        site.kubectl.run("rollout", "undo", f"deployment/{NAME}")
        site.rolled_out()
    lost_nothing(seen)


def test_roll_out_goes_back_by_itself(site: Trial, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lab 3's own `roll_out`: a bad image is taken back, and the good one is seen to serve.

    Its smoke test comes by the Ingress here: where the network policy is enforced, the API server is a stranger.
    """
    if not (TRACK / system.LAB / "rollout.py").is_file():
        pytest.skip("lab 3 has no rollout.py yet")
    monkeypatch.setattr(sys, "path", [str(TRACK), *sys.path])
    rollout: Any = importlib.import_module(f"{system.LAB}.rollout")

    def smoke(namespace: str) -> None:
        assert namespace == site.namespace
        system.ready(site.cluster.entrance(), host=site.host)

    bad = f"{site.image.rpartition(':')[0]}:not-there"
    with site.load("ingress", CLIENTS) as seen:
        done = rollout.roll_out(bad, namespace=site.namespace, timeout=45, smoke=smoke)
    assert done.outcome == "rolled back", done
    lost_nothing(seen)
    again = rollout.roll_out(site.image, namespace=site.namespace, timeout=120 * patience(), smoke=smoke)
    assert again.outcome == "done", again


def test_the_network_policy_is_enforced(site: Trial) -> None:
    """A stranger in the same namespace does not get in, and the service asks for nothing but names."""
    reach = """
import socket, sys
socket.getaddrinfo(sys.argv[1], int(sys.argv[2]))
try:
    socket.create_connection((sys.argv[1], int(sys.argv[2])), 5).close()
    print("in")
except OSError as error:
    print(type(error).__name__)
"""

    def stranger(host: str = NAME, port: int = 80) -> str:
        return site.inside("stranger", reach, host, str(port)).strip()

    assert site.inside("visitor", reach, NAME, "80").strip() == "in"
    site.visitor("stranger", admitted=False)
    try:
        until("a closed door", lambda: stranger() != "in", 30)
    except GaveUpError:
        pytest.skip("this cluster's network does not enforce network policies: a stranger got in")
    finally:
        api = "kubernetes.default.svc"
        outside = stranger(api, 443)
        site.kubectl.run("delete", "pod", "stranger", "--wait=false")
    assert outside == "in", "where no policy stands, there is a way out"
    assert site.inside(site.names()[0], reach, api, "443").strip() != "in"


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
