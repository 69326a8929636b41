"""Roll out a new image of the service, and go back by itself where that fails.

    python -m lab3_kubernetes.rollout ml-api:1.1 --namespace ml-api

It talks to the cluster that `KUBECONFIG` names. The Deployment, its container and its Service are called `ml-api`.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from kubernetes import client, config
from kubernetes.client.exceptions import ApiException
from kubernetes.stream import portforward
from urllib3.exceptions import HTTPError

NAME = "ml-api"
PAUSE = 1.0  # seconds between two looks
CALL = 10.0  # seconds that one call of the API may take
REVISION = "deployment.kubernetes.io/revision"


@dataclass(frozen=True)
class Step:
    """One thing that was done: `set image`, `wait`, `smoke test` or `go back`; whether it went well; and more words."""

    name: str
    ok: bool
    detail: str = ""


@dataclass
class Rollout:
    """What a rollout did.

    `outcome` is one of
    - `done`: the new image serves, and the smoke test was good;
    - `rolled back`: it did not work, and the previous image serves again;
    - `stuck`: it did not work, and going back did not end in time either;
    - `superseded`: someone else set another image meanwhile, which was left alone.

    `reason` says why, where the outcome is not `done`.
    """

    image: str
    previous: str
    outcome: str = ""
    reason: str = ""
    steps: list[Step] = field(default_factory=list)


@dataclass(frozen=True)
class Revision:
    """One revision of the Deployment: its number, its image, and how many pods of it there are now."""

    number: int
    image: str
    pods: int


class Superseded(Exception):
    """Someone else set another image."""


class RolloutFailed(Exception):
    """The image does not become ready."""


def connect() -> tuple[client.AppsV1Api, client.CoreV1Api]:
    """Return the two APIs of the cluster that `KUBECONFIG` names."""
    api = client.ApiClient(config.new_client_from_config().configuration)
    return client.AppsV1Api(api), client.CoreV1Api(api)


def image_of(deployment: client.V1Deployment | client.V1ReplicaSet) -> str:
    """Return the image of the container `ml-api`."""
    containers = deployment.spec.template.spec.containers
    return next(one.image for one in containers if one.name == NAME)


def is_complete(deployment: client.V1Deployment) -> bool:
    """Whether the rollout of this Deployment's newest generation is over.

    That is so where the controller has seen that generation, all replicas are of the new template, no pod of an old
    one is left, and all of them are available. Raise `RolloutFailed` where the controller says that it is stuck.
    """
    # solution 3.6
    status, wanted = deployment.status, deployment.spec.replicas
    if (status.observed_generation or 0) < deployment.metadata.generation:
        return False  # all that the status says is about the old generation
    for condition in status.conditions or []:
        if condition.type == "Progressing" and condition.reason == "ProgressDeadlineExceeded":
            raise RolloutFailed("ProgressDeadlineExceeded")
    updated, total, available = (
        number or 0 for number in (status.updated_replicas, status.replicas, status.available_replicas)
    )
    return updated == total == available == wanted
    # end solution


def set_image(apps: client.AppsV1Api, namespace: str, image: str, previous: str) -> None:
    """Set the image of the container `ml-api`, where it still is `previous`; all else in the Deployment stays.

    Another one may have changed the Deployment since it was read. Read it again then: where the image is still
    `previous`, set it; where it is another one, raise `Superseded`.
    """
    # solution 3.6
    while True:
        deployment = apps.read_namespaced_deployment(NAME, namespace, _request_timeout=CALL)
        found = image_of(deployment)
        if found != previous:
            raise Superseded(f"someone else set {found}")
        change = {
            # With the version, the change is refused (409) where the Deployment is not the one that was read.
            "metadata": {"resourceVersion": deployment.metadata.resource_version},
            "spec": {"template": {"spec": {"containers": [{"name": NAME, "image": image}]}}},
        }
        try:
            apps.patch_namespaced_deployment(NAME, namespace, change, _request_timeout=CALL)
            return
        except ApiException as error:
            if error.status != 409:
                raise
    # end solution


def wait(apps: client.AppsV1Api, namespace: str, image: str, timeout: float) -> None:
    """Return when the rollout of `image` is complete.

    Raise `RolloutFailed` where it is stuck or takes more than `timeout` seconds, and `Superseded` where another image
    is set meanwhile. A moment in which the API does not answer is not the end: ask again until the time is over.
    """
    # solution 3.6
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        try:
            deployment = apps.read_namespaced_deployment(NAME, namespace, _request_timeout=CALL)
        except (ApiException, HTTPError) as error:
            if isinstance(error, ApiException) and 400 <= error.status < 500:
                raise
            time.sleep(PAUSE)
            continue
        if image_of(deployment) != image:
            raise Superseded(f"someone else set {image_of(deployment)}")
        if is_complete(deployment):
            return
        time.sleep(PAUSE)
    raise RolloutFailed(f"not complete after {timeout:g} seconds")
    # end solution


def smoke_test(namespace: str) -> None:
    """Ask `/readyz` of a pod to which the Service `ml-api` leads; raise where there is none, or it is not ready.

    Where a Service leads, its EndpointSlices say, and which pods of them are ready. They are found by the label
    `kubernetes.io/service-name`. An answer other than 200 is raised with its status.

    Neither you nor the API server gets through the network policy. Forward the port, as `kubectl port-forward` does:
    by way of the pod's node.
    """
    # solution 3.6
    _, core = connect()
    discovery = client.DiscoveryV1Api(core.api_client)
    wanted = f"kubernetes.io/service-name={NAME}"
    slices = discovery.list_namespaced_endpoint_slice(namespace, label_selector=wanted, _request_timeout=CALL).items
    ready = [
        (endpoint.target_ref.name, port.port)
        for one in slices
        for endpoint in one.endpoints or []
        for port in one.ports or []
        if endpoint.conditions.ready and port.name == "http"
    ]
    if not ready:
        raise RuntimeError(f"the Service {NAME} leads to no pod that is ready")
    pod, port = ready[0]
    forward = portforward(core.connect_get_namespaced_pod_portforward, pod, namespace, ports=str(port))
    connection = http.client.HTTPConnection(NAME)
    connection.sock = forward.socket(port)
    connection.sock.settimeout(CALL)
    with contextlib.closing(connection):
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
        if answer.status != 200:
            raise RuntimeError(f"{pod} answers {answer.status}: {answer.read(200).decode(errors='replace')}")
    # end solution


def trouble_of(apps: client.AppsV1Api, core: client.CoreV1Api, namespace: str, image: str) -> str:
    """Return what the pods with this image say about why they are not ready, "" where none says anything.

    A container that waits says `CrashLoopBackOff` or `ImagePullBackOff`, a pod without a node `Unschedulable`. The
    answer has this word, and the sentence beside it. Look at the pods that the Deployment's own selector finds.
    """
    # solution 3.6
    deployment = apps.read_namespaced_deployment(NAME, namespace, _request_timeout=CALL)
    selector = ",".join(f"{key}={value}" for key, value in deployment.spec.selector.match_labels.items())
    pods = core.list_namespaced_pod(namespace, label_selector=selector, _request_timeout=CALL).items
    for pod in pods:
        if image not in [container.image for container in pod.spec.containers]:
            continue
        for condition in pod.status.conditions or []:
            if condition.type == "PodScheduled" and condition.status == "False":
                return f"{condition.reason}: {condition.message}"
        for container in pod.status.container_statuses or []:
            if container.state.waiting:
                return f"{container.state.waiting.reason}: {container.state.waiting.message}"
    return ""
    # end solution


def roll_out(
    image: str, *, namespace: str, timeout: float = 120, smoke: Callable[[str], object] = smoke_test
) -> Rollout:
    """Roll out an image, and go back by itself where that fails.

    The steps: set the image, wait for the rollout, call `smoke(namespace)`. Where the rollout fails, or takes more than
    `timeout` seconds, or `smoke` raises anything, the previous image is set again and waited for, as long again. The
    reason has what the pods say about it, or what `smoke` raised. Where someone else sets another image at any time,
    this one does nothing more: it never overwrites what another one did.
    """
    # solution 3.6
    apps, core = connect()
    previous = image_of(apps.read_namespaced_deployment(NAME, namespace, _request_timeout=CALL))
    rollout = Rollout(image, previous)
    try:
        set_image(apps, namespace, image, previous)
        rollout.steps.append(Step("set image", True, f"{previous} -> {image}"))
        if _is_good(rollout, apps, core, namespace, timeout, smoke):
            rollout.outcome = "done"
        else:
            rollout.outcome = "rolled back" if _goes_back(rollout, apps, namespace, timeout) else "stuck"
    except Superseded as error:
        rollout.outcome, rollout.reason = "superseded", str(error)
        rollout.steps.append(Step("go back" if rollout.steps else "set image", False, str(error)))
    return rollout
    # end solution


# solution 3.6
def _is_good(
    rollout: Rollout,
    apps: client.AppsV1Api,
    core: client.CoreV1Api,
    namespace: str,
    timeout: float,
    smoke: Callable[[str], object],
) -> bool:
    try:
        wait(apps, namespace, rollout.image, timeout)
    except RolloutFailed as error:
        trouble = ""
        with contextlib.suppress(ApiException, HTTPError):  # going back does not wait for the reason
            trouble = trouble_of(apps, core, namespace, rollout.image)
        rollout.reason = "; ".join(filter(None, [str(error), trouble]))
        rollout.steps.append(Step("wait", False, rollout.reason))
        return False
    rollout.steps.append(Step("wait", True))
    try:
        smoke(namespace)
    except Exception as error:
        rollout.reason = f"{type(error).__name__}: {error}"
        rollout.steps.append(Step("smoke test", False, rollout.reason))
        return False
    rollout.steps.append(Step("smoke test", True))
    return True


def _goes_back(rollout: Rollout, apps: client.AppsV1Api, namespace: str, timeout: float) -> bool:
    set_image(apps, namespace, rollout.previous, rollout.image)
    try:
        wait(apps, namespace, rollout.previous, timeout)
    except RolloutFailed as error:
        rollout.steps.append(Step("go back", False, str(error)))
        return False
    rollout.steps.append(Step("go back", True, rollout.previous))
    return True


# end solution
def history(namespace: str) -> list[Revision]:
    """Return the revisions of the Deployment `ml-api` and no other, the newest first."""
    # solution 3.6
    apps, _ = connect()
    deployment = apps.read_namespaced_deployment(NAME, namespace, _request_timeout=CALL)
    revisions = []
    for one in apps.list_namespaced_replica_set(namespace, _request_timeout=CALL).items:
        if deployment.metadata.uid in [owner.uid for owner in one.metadata.owner_references or []]:
            pods = one.status.replicas or 0
            revisions.append(Revision(int(one.metadata.annotations[REVISION]), image_of(one), pods))
    return sorted(revisions, key=lambda one: one.number, reverse=True)
    # end solution


def main(arguments: list[str] | None = None) -> int:
    """Roll out an image and say what was done; 0 where it serves now."""
    parser = argparse.ArgumentParser(prog="python -m lab3_kubernetes.rollout", description="Roll out an image.")
    parser.add_argument("image")
    parser.add_argument("--namespace", default="ml-api")
    parser.add_argument("--timeout", type=float, default=120)
    asked = parser.parse_args(arguments)
    rollout = roll_out(asked.image, namespace=asked.namespace, timeout=asked.timeout)
    for step in rollout.steps:
        print(f"{'ok' if step.ok else 'failed':<8}{step.name:<12}{step.detail}")
    print(f"{rollout.outcome}{': ' if rollout.reason else ''}{rollout.reason}")
    for revision in history(asked.namespace):
        print(f"  {revision.number:>3}  {revision.image}  {revision.pods} pods")
    return 0 if rollout.outcome == "done" else 1


if __name__ == "__main__":
    sys.exit(main())
