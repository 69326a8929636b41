"""Lab 3 on a cluster, in a namespace of its own: rolled out, put under load, hurt, and removed again.

It uses nothing that only one kind of cluster has, so it runs on any kubeconfig. It works through the API and the two
ways in, and evicts and deletes no pods but its own.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from k8s import load, system
from k8s.clusters import Cluster
from k8s.kubectl import Kubectl, KubectlError
from k8s.system import NAME
from k8s.waiting import GaveUpError, until

VISITOR = {"mlops-lab/visitor": "yes"}
SOURCE = Path(load.__file__)

Patch = dict[str, Any]


def patch(kind: str, path: str, value: Any, op: str = "add") -> Patch:
    """One change of the tree, as JSON6902."""
    return {"target": {"kind": kind, "name": NAME}, "patch": json.dumps([{"op": op, "path": path, "value": value}])}


def remove(kind: str, path: str) -> Patch:
    return {"target": {"kind": kind, "name": NAME}, "patch": json.dumps([{"op": "remove", "path": path}])}


_COUNTS = ("updatedR", "r", "availableR")
_HOPELESS = ("FailedCreate", "CreateContainerConfigError", "CreateContainerError", "InvalidImageName")
_REACH = """
import socket, sys
try:
    socket.create_connection((sys.argv[1], int(sys.argv[2])), 3).close()
    print("in")
except OSError as error:
    print(type(error).__name__)
"""
CONTAINER = "/spec/template/spec/containers/0"


@dataclass
class Seen:
    """What clients saw: how many requests had an answer of status 200, and what became of the others, by kind."""

    answered: int = 0
    lost: dict[str, int] = field(default_factory=dict)
    p50_ms: float = 0.0
    p99_ms: float = 0.0

    @property
    def losses(self) -> int:
        return sum(self.lost.values())

    def as_figures(self) -> dict[str, Any]:
        return {"requests": self.answered + self.losses, "lost": self.losses, "p99_ms": self.p99_ms}


@dataclass
class Trial:
    """The service in one namespace of one cluster. `host` is what its Ingress listens to there."""

    cluster: Cluster
    image: str
    track: Path
    overlay: str = "kind"
    namespace: str = field(default_factory=lambda: f"ml-api-trial-{secrets.token_hex(3)}")

    @property
    def host(self) -> str:
        return f"{self.namespace}.localhost"

    @property
    def kubectl(self) -> Kubectl:
        return Kubectl(self.cluster.kubeconfig, self.namespace)

    def apply(
        self, *patches: Patch, pods: int = 2, most: int = 3, seconds: int = 300, track: Path | None = None
    ) -> float:
        """Apply the tree with these patches, and return the seconds until it was rolled out.

        The autoscaler keeps `pods` to `most` pods. `track` is another one than that of the trial.
        """
        begin = time.monotonic()
        with self.tree(*patches, pods=pods, most=most, track=track) as folder:
            self.kubectl.run("apply", "--kustomize", str(folder))
        self.rolled_out(seconds)
        return time.monotonic() - begin

    @contextlib.contextmanager
    def tree(
        self, *patches: Patch, pods: int = 2, most: int = 3, track: Path | None = None, overlay: str | None = None
    ) -> Iterator[Path]:
        """A folder to apply: the tree as it is tried here."""
        always = [
            patch("Ingress", "/spec/rules/0/host", self.host),
            patch("HorizontalPodAutoscaler", "/spec/minReplicas", pods, "replace"),
            patch("HorizontalPodAutoscaler", "/spec/maxReplicas", most, "replace"),
            # Two at once: which of the autoscaler and the Deployment comes first must not matter.
            patch("Deployment", "/spec/replicas", pods),
        ]
        labels = [{"pairs": {"mlops-lab/trial": self.namespace}, "includeTemplates": True}]
        more = {"namespace": self.namespace, "labels": labels, "patches": [*always, *patches]}
        with system.tree(track or self.track, self.image, overlay or self.overlay, **more) as folder:
            yield folder

    def rolled_out(self, seconds: int = 300) -> None:
        """Wait until every pod is new and ready. Raises `GaveUpError`, at once where no pod can ever be made."""

        def over() -> bool:
            if hopeless := self.trouble(only=_HOPELESS):
                raise GaveUpError(f"no pod becomes ready: {hopeless}")
            deployment = self.kubectl.get(f"deployment/{NAME}")
            status, wanted = deployment["status"], deployment["spec"]["replicas"]
            seen = status.get("observedGeneration", 0) >= deployment["metadata"]["generation"]
            return seen and {status.get(f"{one}eplicas", 0) for one in _COUNTS} == {wanted}

        until("every pod new and ready", over, seconds, self.trouble)

    def trouble(self, only: Sequence[str] = ()) -> str:
        """What the Deployment and its pods say about why they are not ready."""
        deployment = self.kubectl.get(f"deployment/{NAME}")
        told = [(one["reason"], one.get("message", "")) for one in deployment["status"].get("conditions", ())
                if one["type"] == "ReplicaFailure" and one["status"] == "True"]  # fmt: skip
        for pod in self.pods():
            for condition in pod["status"].get("conditions", ()):
                if condition["type"] == "PodScheduled" and condition["status"] == "False":
                    told.append((condition.get("reason", ""), condition.get("message", "")))
            for container in pod["status"].get("containerStatuses", ()):
                if waiting := container["state"].get("waiting"):
                    told.append((waiting["reason"], waiting.get("message", "")))
        return "; ".join(f"{reason}: {words}" for reason, words in told if not only or reason in only)

    def image_now(self) -> str:
        """The image that is set."""
        containers = self.kubectl.get(f"deployment/{NAME}")["spec"]["template"]["spec"]["containers"]
        return next(str(one["image"]) for one in containers if one["name"] == NAME)

    def set_image(self, image: str) -> None:
        self.kubectl.run("set", "image", f"deployment/{NAME}", f"{NAME}={image}")

    def nodes(self) -> list[str]:
        """The nodes that take pods."""
        return [one["metadata"]["name"] for one in self.kubectl.get("nodes")["items"] if not one["spec"].get("taints")]

    def evict(self, pod: str) -> str:
        """Ask for the eviction of a pod of the trial; what refuses it, "" where it passed."""
        asked = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod, "namespace": self.namespace}}
        path = f"/api/v1/namespaces/{self.namespace}/pods/{pod}/eviction"
        try:
            self.kubectl.run("create", "--raw", path, "--filename=-", stdin=json.dumps(asked))
        except KubectlError as error:
            return str(error)
        return ""

    def reaches(self, pod: str, host: str, port: int) -> str:
        """What comes of a connection from a pod: `in`, or the name of the error."""
        return self.inside(pod, _REACH, host, str(port)).strip()

    def policies_are_enforced(self) -> bool:
        """Whether this network enforces policies at all: for a moment, one forbids the visitor to ask anybody."""
        closed = {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": {"name": "nobody"},
            "spec": {"podSelector": {"matchLabels": VISITOR}, "policyTypes": ["Egress"]},
        }
        kubernetes = "kubernetes.default.svc"
        self.kubectl.run("apply", "--filename=-", stdin=json.dumps(closed))
        try:
            until("", lambda: self.reaches("visitor", kubernetes, 443) != "in", 20)
        except GaveUpError:
            return False
        finally:
            self.kubectl.run("delete", "networkpolicy", "nobody")
        return True

    def pods(self) -> list[dict[str, Any]]:
        """The pods of the service that are not on their way out."""
        found = self.kubectl.get("pods", f"--selector=app.kubernetes.io/name={NAME}")["items"]
        return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]

    def names(self) -> list[str]:
        return [pod["metadata"]["name"] for pod in self.pods()]

    def gone(self, names: Sequence[str], seconds: int = 120) -> None:
        """Wait until pods have ended."""
        if names:
            self.kubectl.run("wait", "--for=delete", *(f"pod/{name}" for name in names), f"--timeout={seconds}s")

    def available(self, pods: int, seconds: float = 180) -> float:
        """Wait until that many pods are available, and return the seconds."""

        def enough() -> bool:
            status = self.kubectl.get(f"deployment/{NAME}")["status"]
            return bool(status.get("availableReplicas", 0) >= pods)

        return until(f"{pods} available pods", enough, seconds)

    def visitor(self, name: str = "visitor", *, admitted: bool = True) -> None:
        """Start a pod that asks from inside of the cluster, by the image of the service, and let it in (or not)."""
        closed = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
        container = {
            "name": "visitor",
            "image": self.image,
            "command": ["python", "-c", "import signal; signal.pause()"],
            "securityContext": closed,
            "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}},
        }
        pod = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "labels": VISITOR if admitted else {}},
            "spec": {
                "automountServiceAccountToken": False,
                "terminationGracePeriodSeconds": 0,
                "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
                "containers": [container],
            },
        }
        # Policies add up: beside the one of the tree, which is left as it is, this one lets our visitors in.
        policy = {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": {"name": "visitors"},
            "spec": {
                "podSelector": {"matchLabels": {"app.kubernetes.io/name": NAME}},
                "policyTypes": ["Ingress"],
                "ingress": [{"from": [{"podSelector": {"matchLabels": VISITOR}}]}],
            },
        }
        for one in (policy, pod):
            self.kubectl.run("apply", "--filename=-", stdin=json.dumps(one))
        self.kubectl.run("wait", "--for=condition=Ready", f"pod/{name}", "--timeout=120s")

    def inside(self, pod: str, code: str, *arguments: str, seconds: float = 60) -> str:
        """What a piece of Python prints inside of a pod."""
        return self.kubectl.run("exec", pod, "--", "python", "-c", code, *arguments, seconds=seconds)

    @contextlib.contextmanager
    def load(self, way: str, clients: int = 4, pause: float = 0.02) -> Iterator[Seen]:
        """Clients ask through `ingress` or `service` until the end of the block; then what they saw is filled in."""
        if way == "ingress":
            address = urlsplit(self.cluster.entrance()).netloc
            command = [sys.executable, "-c", SOURCE.read_text(encoding="utf-8"), address, self.host]
        else:
            command = self.kubectl.command("exec", "--stdin", "visitor", "--", "python", "-c")
            command += [SOURCE.read_text(encoding="utf-8"), NAME, NAME]
        command += [str(clients), str(pause), "keep" if way == "ingress" else "fresh"]
        asking = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert asking.stdin and asking.stdout
        seen = Seen()
        try:
            if asking.stdout.readline().strip() != "begun":
                raise KubectlError(f"no answer through the {way}: {asking.communicate()}")
            yield seen
            output, errors = asking.communicate(timeout=120)
            if asking.returncode:
                raise KubectlError(f"the clients ended early: {errors[-1000:]}")
            told = json.loads(output.splitlines()[-1])
            seen.answered = told["seen"].pop("200", 0)
            seen.lost, seen.p50_ms, seen.p99_ms = told["seen"], told["p50_ms"], told["p99_ms"]
        finally:
            if asking.poll() is None:
                asking.kill()
                asking.communicate()

    def restart(self) -> None:
        """A rolling update: new pods for old ones. It ends when the last old one has ended."""
        old = self.names()
        self.kubectl.run("rollout", "restart", f"deployment/{NAME}")
        self.rolled_out()
        self.gone(old)

    def remove(self) -> None:
        self.kubectl.run("delete", "namespace", self.namespace, "--ignore-not-found", "--timeout=120s")


@contextlib.contextmanager
def trial(cluster: Cluster, image: str, track: Path, overlay: str = "kind") -> Iterator[Trial]:
    """A trial whose namespace is removed at the end, whatever happened."""
    one = Trial(cluster, image, track, overlay)
    try:
        yield one
    finally:
        one.remove()
