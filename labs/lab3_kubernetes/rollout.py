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
    # TODO 3.6: Roll out, and go back
    raise NotImplementedError


def set_image(apps: client.AppsV1Api, namespace: str, image: str, previous: str) -> None:
    """Set the image of the container `ml-api`, where it still is `previous`; all else in the Deployment stays.

    Another one may have changed the Deployment since it was read. Read it again then: where the image is still
    `previous`, set it; where it is another one, raise `Superseded`.
    """
    # TODO 3.6: Roll out, and go back
    raise NotImplementedError


def wait(apps: client.AppsV1Api, namespace: str, image: str, timeout: float) -> None:
    """Return when the rollout of `image` is complete.

    Raise `RolloutFailed` where it is stuck or takes more than `timeout` seconds, and `Superseded` where another image
    is set meanwhile. A moment in which the API does not answer is not the end: ask again until the time is over.
    """
    # TODO 3.6: Roll out, and go back
    raise NotImplementedError


def smoke_test(namespace: str) -> None:
    """Ask `/readyz` of a pod to which the Service `ml-api` leads; raise where there is none, or it is not ready.

    Where a Service leads, its EndpointSlices say, and which pods of them are ready. They are found by the label
    `kubernetes.io/service-name`. An answer other than 200 is raised with its status.

    Neither you nor the API server gets through the network policy. Forward the port, as `kubectl port-forward` does:
    by way of the pod's node.
    """
    # TODO 3.6: Roll out, and go back
    raise NotImplementedError


def trouble_of(apps: client.AppsV1Api, core: client.CoreV1Api, namespace: str, image: str) -> str:
    """Return what the pods with this image say about why they are not ready, "" where none says anything.

    A container that waits says `CrashLoopBackOff` or `ImagePullBackOff`, a pod without a node `Unschedulable`. The
    answer has this word, and the sentence beside it. Look at the pods that the Deployment's own selector finds.
    """
    # TODO 3.6: Roll out, and go back
    raise NotImplementedError


def roll_out(
    image: str, *, namespace: str, timeout: float = 120, smoke: Callable[[str], object] = smoke_test
) -> Rollout:
    """Roll out an image, and go back by itself where that fails.

    The steps: set the image, wait for the rollout, call `smoke(namespace)`. Where the rollout fails, or takes more than
    `timeout` seconds, or `smoke` raises anything, the previous image is set again and waited for, as long again. The
    reason has what the pods say about it, or what `smoke` raised. Where someone else sets another image at any time,
    this one does nothing more: it never overwrites what another one did.
    """
    # TODO 3.6: Roll out, and go back
    raise NotImplementedError


# TODO 3.6: Roll out, and go back
def history(namespace: str) -> list[Revision]:
    """Return the revisions of the Deployment `ml-api` and no other, the newest first."""
    # TODO 3.6: Roll out, and go back
    raise NotImplementedError


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
