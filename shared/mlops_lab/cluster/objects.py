"""What the API answers, as plain data: Deployments, ReplicaSets, pods, Services, EndpointSlices."""

from __future__ import annotations

import hashlib
from typing import Any

from mlops_lab.cluster.plays import EXCEEDED, Frame, Trouble

NAME = "ml-api"
PORT = 8000
REVISION = "deployment.kubernetes.io/revision"
BEGUN = "2026-01-05T08:00:00Z"

Object = dict[str, Any]


def container(image: str) -> Object:
    """The container of the service."""
    return {"name": NAME, "image": image, "ports": [{"name": "http", "containerPort": PORT}]}


def deployment(namespace: str, uid: str, labels: dict[str, str], containers: list[Object], replicas: int) -> Object:
    """A Deployment without its status and its changing metadata."""
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": NAME, "namespace": namespace, "uid": uid, "labels": labels, "creationTimestamp": BEGUN,
        },
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
            "progressDeadlineSeconds": 600,
            "template": {"metadata": {"labels": labels}, "spec": {"containers": containers}},
        },
    }  # fmt: skip


def status(frame: Frame, generation: int, replicas: int) -> Object:
    """The status of a Deployment; as in the real one, what is zero is left out."""
    numbers = {
        "replicas": frame.total,
        "updatedReplicas": frame.updated,
        "readyReplicas": frame.available if frame.ready is None else frame.ready,
        "availableReplicas": frame.available,
        "unavailableReplicas": frame.total - frame.available,
    }
    failed = frame.reason == EXCEEDED
    if frame.available >= replicas:
        available = ("True", "MinimumReplicasAvailable", "Deployment has minimum availability.")
    else:
        available = ("False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability.")
    if failed:
        progressing = ("False", frame.reason, "ReplicaSet has timed out progressing.")
    else:
        progressing = ("True", frame.reason, "ReplicaSet makes progress.")
    return {
        "observedGeneration": generation if frame.observed else generation - 1,
        **{name: number for name, number in numbers.items() if number},
        "conditions": [
            # `maxUnavailable: 0`: the old pods serve on, so this one is true nearly all the time.
            _condition("Available", *available),
            _condition("Progressing", *progressing),
        ],
    }


def _condition(kind: str, status: str, reason: str, message: str) -> Object:
    return {
        "type": kind, "status": status, "reason": reason, "message": message,
        "lastTransitionTime": BEGUN, "lastUpdateTime": BEGUN,
    }  # fmt: skip


def digest(image: str) -> str:
    """The suffix of a ReplicaSet's name."""
    return hashlib.sha256(image.encode()).hexdigest()[:9]


def replica_set(owner: Object, image: str, revision: int, pods: int) -> Object:
    """One ReplicaSet of a Deployment: of its template, with an image of its own."""
    about = owner["metadata"]
    template = owner["spec"]["template"]["spec"]["containers"]
    containers = [{**one, "image": image} if one["name"] == NAME else one for one in template]
    labels = {**owner["spec"]["selector"]["matchLabels"], "pod-template-hash": digest(image)}
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": f"{about['name']}-{digest(image)}",
            "namespace": about["namespace"],
            "uid": f"rs-{about['uid']}-{digest(image)}",
            "labels": labels,
            "annotations": {REVISION: str(revision)},
            "creationTimestamp": BEGUN,
            "ownerReferences": [
                {
                    "apiVersion": "apps/v1", "kind": "Deployment", "name": about["name"], "uid": about["uid"],
                    "controller": True,
                }
            ],
        },
        "spec": {
            "replicas": pods,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": containers}},
        },
        "status": {"replicas": pods, **({"readyReplicas": pods, "availableReplicas": pods} if pods else {})},
    }  # fmt: skip


def pod(owner: Object, number: int, trouble: Trouble | None) -> Object:
    """One pod of a ReplicaSet: it serves, or its container `ml-api` says why not; the other ones run."""
    about = owner["metadata"]
    template = owner["spec"]["template"]["spec"]["containers"]
    image = next(one["image"] for one in template if one["name"] == NAME)
    runs: Object = {"running": {"startedAt": BEGUN}}
    state = runs
    scheduled: Object = {"type": "PodScheduled", "status": "True", "lastTransitionTime": BEGUN}
    has_node = True
    if trouble is not None:
        words = {"hash": about["labels"]["pod-template-hash"], "namespace": about["namespace"], "image": image}
        message = trouble.message.format(**words)
        if trouble.reason == "Unschedulable":
            scheduled |= {"status": "False", "reason": "Unschedulable", "message": message}
            has_node = False
        else:
            state = {"waiting": {"reason": trouble.reason, "message": message}}
    containers = [
        _container_status(one, state if one["name"] == NAME else runs)
        for one in sorted(template, key=lambda one: str(one["name"]))  # as a kubelet sorts them
        if has_node
    ]
    # What has run once and is started again counts as running.
    has_run = has_node and all(one["ready"] or one["lastState"] for one in containers)
    ready_words = {"type": "Ready", "status": "True" if trouble is None else "False", "lastTransitionTime": BEGUN}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": f"{about['name']}-{number}",
            "namespace": about["namespace"],
            "labels": about["labels"],
            "creationTimestamp": BEGUN,
            "ownerReferences": [
                {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": about["name"], "uid": about["uid"],
                 "controller": True}
            ],
        },
        "spec": {**owner["spec"]["template"]["spec"], **({"nodeName": "node-1"} if has_node else {})},
        "status": {
            "phase": "Running" if has_run else "Pending",
            "conditions": [scheduled, ready_words],
            **({"containerStatuses": containers} if containers else {}),
        },
    }  # fmt: skip


def _container_status(container: Object, state: Object) -> Object:
    ready = "running" in state
    is_restarted = not ready and state["waiting"]["reason"] == "CrashLoopBackOff"
    last = {"exitCode": 1, "reason": "Error", "startedAt": BEGUN, "finishedAt": BEGUN}
    ended: Object = {"terminated": last} if is_restarted else {}
    return {
        "name": container["name"], "image": container["image"], "imageID": "", "ready": ready, "started": ready,
        "restartCount": len(ended) * 5, "state": state, "lastState": ended,
    }  # fmt: skip


def service(namespace: str, labels: dict[str, str]) -> Object:
    """The Service in front of the Deployment."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": NAME, "namespace": namespace, "creationTimestamp": BEGUN},
        "spec": {"selector": labels, "ports": [{"name": "http", "port": 80, "targetPort": "http"}]},
    }


def endpoint(namespace: str, pod: str, *, ready: bool) -> Object:
    """One pod of a Service; one that ends is not ready, and serves still."""
    return {
        "addresses": [f"10.244.1.{2 + int(digest(pod), 16) % 250}"],
        "conditions": {"ready": ready, "serving": True, "terminating": not ready},
        "targetRef": {"kind": "Pod", "name": pod, "namespace": namespace},
    }


def endpoint_slice(namespace: str, service: str, endpoints: list[Object], number: int = 0) -> Object:
    """A part of where a Service leads; as in the real one, an empty list is null."""
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "addressType": "IPv4",
        "metadata": {
            "name": f"{service}-{digest(service + '+' * number)[:5]}",
            "namespace": namespace,
            "labels": {"kubernetes.io/service-name": service},
        },
        "endpoints": endpoints or None,
        "ports": [{"name": "http", "port": PORT, "protocol": "TCP"}] if endpoints else None,
    }


def failure(code: int, reason: str, message: str) -> Object:
    """The `Status` with which the API refuses."""
    return {
        "apiVersion": "v1", "kind": "Status", "metadata": {}, "status": "Failure",
        "code": code, "reason": reason, "message": message,
    }  # fmt: skip
