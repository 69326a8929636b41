"""One namespace: its Deployment, what goes on in it, and what was asked of it."""

from __future__ import annotations

import copy
import time
from dataclasses import dataclass, field, replace
from typing import Any

from mlops_lab.cluster import objects
from mlops_lab.cluster.objects import NAME, Object
from mlops_lab.cluster.patches import Unfit
from mlops_lab.cluster.plays import DONE, Frame, Trouble, play


class Conflict(Exception):
    """A change of an object that is not the newest one any more."""


@dataclass
class Stage:
    """A Deployment and its script.

    Args:
        namespace: where it lives.
        image: what runs at the beginning.
        replicas: how many pods.
        labels: its selector.
        plays: how the rollout of an image goes, by image (`plays.play`); `fine` where none is given.
        answers: with which status the pods of an image answer; 200 where none is given.
        reached: whether the Service leads to the pods; else its selector has a typing error.
        past: earlier images with the numbers of their revisions.
        sidecars: further containers of the pod.
        strangers: ReplicaSets with the same labels that belong to another Deployment, as `past`.
        orphans: such that an earlier Deployment of the same name has left behind, as `past`.
        missing: so many of the replicas are not there yet.
        sick: what two pods say that are none of the new ones: an old one, and one of another Deployment.
        lagging: what the last of the newest pods says, where all others are well.
        hidden: whether each list of pods is answered with 503.
        meanwhile: what another one changes just before the first write arrives: `{"replicas": 5}` or `{"image": …}`;
            with `times`, replicas are changed before so many writes.
        takeover: another image that someone sets when the status with this number has been seen; with `done`, its
            rollout is over at the next look; with `writes`, only after more writes than that.
        watch: `breaks` once, `ends` after each event, or `expires` once; else watches work.
        away: so many requests for the Deployment after the first write are answered with 500, 502, 503 or 504.
        cut: so many after that one end in the middle of the answer.
        pace: so many times faster does time run: a watch of 10 seconds ends after so many times less.
    """

    namespace: str
    image: str
    replicas: int
    labels: dict[str, str]
    plays: dict[str, str] = field(default_factory=dict)
    answers: dict[str, int] = field(default_factory=dict)
    reached: bool = True
    past: list[tuple[int, str]] = field(default_factory=list)
    sidecars: list[Object] = field(default_factory=list)
    strangers: list[tuple[int, str]] = field(default_factory=list)
    orphans: list[tuple[int, str]] = field(default_factory=list)
    missing: int = 0
    sick: dict[str, str] = field(default_factory=dict)
    lagging: dict[str, str] = field(default_factory=dict)
    hidden: bool = False
    meanwhile: dict[str, Any] = field(default_factory=dict)
    takeover: dict[str, Any] = field(default_factory=dict)
    watch: str = ""
    away: int = 0
    cut: int = 0
    pace: float = 1.0

    def __post_init__(self) -> None:
        self.version = 1000
        self.generation = 1
        self.log: list[Object] = []
        self.writes = 0
        uid = f"deploy-{objects.digest(self.namespace)}"
        containers = [*self.sidecars, objects.container(self.image)]
        self.deployment = objects.deployment(self.namespace, uid, self.labels, containers, self.replicas)
        self.revisions = {image: number for number, image in self.past}
        self.revisions[self.image] = max(self.revisions.values(), default=0) + 1
        self.old = self.first = self.image
        there = self.replicas - self.missing
        self.frames: tuple[Frame, ...] = (Frame(there, there, there, DONE),)
        self.trouble: Trouble | None = None
        self.at = 0
        self.since = time.monotonic()
        self.seen = False

    @property
    def frame(self) -> Frame:
        """The status that stands now."""
        return self.frames[self.at]

    def entry(self, **what: object) -> Object:
        """Write down what was asked, with what was going on; return the line."""
        line = {"at": time.monotonic(), "image": self.image, "frame": self.at, "last": self.at == len(self.frames) - 1,
                "complete": self.is_complete(), **what}  # fmt: skip
        self.log.append(line)
        return line

    def is_complete(self) -> bool:
        """Whether all pods are of the newest template and serve."""
        frame = self.frame
        return frame.observed and frame.reason == DONE

    def go_on(self) -> None:
        """Take the next status, where this one was seen and has stood long enough."""
        if not self.seen or time.monotonic() - self.since < self.frame.stands:
            return
        if self._is_taken_over():
            self._take_over()
        elif self.at < len(self.frames) - 1:
            self._show(self.at + 1)

    def _is_taken_over(self) -> bool:
        if not self.seen or not self.takeover or self.writes <= int(self.takeover.get("writes", 0)):
            return False
        return self.at >= int(self.takeover["at"])

    def _take_over(self) -> None:
        self.take_over(self.takeover["image"], bool(self.takeover.get("done")))

    def take_over(self, image: str, done: bool = False) -> None:
        """Set another image, as someone else; with `done`, that rollout is over at once."""
        self.takeover = {}
        self._set_image(image)
        if done:
            self._show(len(self.frames) - 1)
        self.log.append({"at": time.monotonic(), "by": "another", "image": image})

    def _show(self, number: int) -> None:
        self.at = number
        self.since = time.monotonic()
        self.seen = False
        self.version += 1

    def current(self) -> Object:
        """The Deployment as it is now."""
        self.seen = True
        result = copy.deepcopy(self.deployment)
        result["metadata"] |= {
            "resourceVersion": str(self.version),
            "generation": self.generation,
            "annotations": {
                **result["metadata"].get("annotations", {}), objects.REVISION: str(self.revisions[self.image]),
            },
        }  # fmt: skip
        result["status"] = objects.status(self.frame, self.generation, self.replicas)
        return result

    def write(self, changed: Object) -> None:
        """Replace the Deployment. Raises `Conflict` and `Unfit`."""
        self.writes += 1
        containers = changed["spec"]["template"]["spec"]["containers"]
        images = [one.get("image") for one in containers if one.get("name") == NAME]
        if len(images) != 1 or not isinstance(images[0], str) or not images[0]:
            raise Unfit(f"spec.template.spec.containers: one container `{NAME}` with an image is needed")
        if not all(isinstance(one.get("image"), str) for one in containers):
            raise Unfit("spec.template.spec.containers: each container needs an image")
        changed = {**changed, "metadata": dict(changed["metadata"])}
        for name in ("resourceVersion", "generation", "managedFields"):
            changed["metadata"].pop(name, None)
        changed.pop("status", None)
        is_new = changed["spec"]["template"] != self.deployment["spec"]["template"]
        self.deployment = changed
        self.replicas = int(changed["spec"].get("replicas", 1))
        if is_new:
            self._roll(images[0])
        else:
            self.version += 1

    def check_version(self, wanted: object) -> None:
        """Let another one come first where the script says so; then raise `Conflict` where `wanted` is too old."""
        if self.meanwhile:
            meanwhile, self.meanwhile = self.meanwhile, {}
            if meanwhile.get("times", 1) > 1:
                self.meanwhile = {**meanwhile, "times": meanwhile["times"] - 1}
            if "image" in meanwhile:
                self._set_image(meanwhile["image"])
            else:
                self.deployment["spec"]["replicas"] = self.replicas = meanwhile["replicas"]
                self.frames = (Frame(self.replicas, self.replicas, self.replicas, DONE),)
                self.generation += 1
                self._show(0)
            self.log.append({"at": time.monotonic(), "by": "another", **meanwhile})
        elif self._is_taken_over():
            self._take_over()
        if wanted and str(wanted) != str(self.version):
            raise Conflict

    def _set_image(self, image: str) -> None:
        self.deployment = copy.deepcopy(self.deployment)
        for one in self.deployment["spec"]["template"]["spec"]["containers"]:
            if one["name"] == NAME:
                one["image"] = image
        self._roll(image)

    def _roll(self, image: str) -> None:
        """Begin the rollout of a template."""
        if self.is_complete():
            self.old = self.image
        self.generation += 1
        self.revisions[image] = max(self.revisions.values()) + 1
        kind = self.plays.get(image, "fine")
        known = {one for _, one in self.past} | {self.first}
        rolled = play("back" if kind == "fine" and image in known else kind, self.replicas)
        # In the first moment the old status stands, whatever it was: also one that says that it is stuck.
        frames = (replace(self.frame, observed=False), *rolled.frames[1:])
        self.image, self.frames, self.trouble = image, frames, rolled.trouble
        self._show(0)

    def _pods_by_image(self) -> dict[str, int]:
        updated = self.frame.updated if self.frame.observed else 0
        counts = {self.image: updated}
        counts[self.old] = counts.get(self.old, 0) + self.frame.total - updated
        return counts

    def replica_sets(self) -> list[Object]:
        """All ReplicaSets of the namespace, in no order that means anything."""
        pods = self._pods_by_image()
        own = [objects.replica_set(self.deployment, image, number, pods.get(image, 0))
               for image, number in self.revisions.items()]  # fmt: skip
        for one in own:
            one["spec"]["replicas"] += self.missing if one["status"]["replicas"] else 0
        other = objects.deployment(self.namespace, "deploy-other", self.labels, [objects.container("other")], 1)
        other["metadata"]["name"] = f"{NAME}-canary"
        earlier = objects.deployment(self.namespace, "deploy-earlier", self.labels, [objects.container("earlier")], 1)
        strange = ((other, self.strangers), (earlier, self.orphans))
        foreign = [objects.replica_set(owner, image, number, 0) for owner, found in strange for number, image in found]
        return sorted([*own, *foreign], key=lambda one: one["metadata"]["name"])

    def pods(self) -> list[Object]:
        """All pods of the Deployment, the old ones first."""
        found = []
        counts = self._pods_by_image()
        for image, number in sorted(counts.items(), key=lambda one: one[0] == self.image):
            owner = objects.replica_set(self.deployment, image, self.revisions[image], number)
            trouble = self.trouble if image == self.image else None
            found += [objects.pod(owner, place, trouble) for place in range(number)]
            if self.sick and image != self.image and number:
                found[0] = objects.pod(owner, 0, Trouble(**self.sick))
            if self.lagging and image == self.image and number:
                found[-1] = objects.pod(owner, number - 1, Trouble(**self.lagging))
        return found

    def all_pods(self) -> list[Object]:
        """All pods of the namespace: those of another Deployment, which shares a label and the image, come first."""
        if not self.sick:
            return self.pods()
        labels = {**self.labels, list(self.labels)[-1]: "canary"}
        canary = objects.deployment(self.namespace, "deploy-canary", labels, [objects.container(self.image)], 1)
        canary["metadata"]["name"] = f"{NAME}-canary"
        owner = objects.replica_set(canary, self.image, 1, 1)
        return [objects.pod(owner, 0, Trouble(**self.sick)), *self.pods()]

    def _leaving(self) -> list[Object]:
        """The pod of the version before that still ends when the rollout is over."""
        if self.old == self.image or not self.is_complete():
            return []
        owner = objects.replica_set(self.deployment, self.old, self.revisions[self.old], 0)
        return [objects.pod(owner, 0, None)]

    def endpoint_slices(self) -> list[Object]:
        """Where each Service of the namespace leads: that of a canary, and `ml-api`."""
        canary = objects.endpoint(self.namespace, f"{NAME}-canary-0", ready=True)
        slices = [objects.endpoint_slice(self.namespace, f"{NAME}-canary", [canary])]
        leaving = [objects.endpoint(self.namespace, one["metadata"]["name"], ready=False) for one in self._leaving()]
        trouble = self.trouble is not None
        others = [
            objects.endpoint(self.namespace, one["metadata"]["name"], ready=not trouble or _image(one) != self.image)
            for one in self.pods()
        ]
        # A Service may have several slices. The first of these has no pod that is ready.
        parts = [leaving, others] if self.reached else [[], []]
        return [*slices, *(objects.endpoint_slice(self.namespace, NAME, one, at) for at, one in enumerate(parts))]

    def service(self) -> Object:
        """The Service `ml-api`."""
        labels = self.labels if self.reached else {"app.kubernetes.io/name": NAME.replace("-", "_")}
        return objects.service(self.namespace, labels)

    def image_of_pod(self, name: str) -> str | None:
        """What runs in a pod that takes connections; None where there is no such pod."""
        if name == f"{NAME}-canary-0":
            return "canary"
        found = [_image(one) for one in (*self._leaving(), *self.pods()) if one["metadata"]["name"] == name]
        return found[0] if found else None

    def answer(self, image: str) -> int:
        """With which status a pod of an image answers."""
        return self.answers.get(image, 503 if image == self.image and self.trouble else 200)


def _image(pod: Object) -> str:
    return next(str(one["image"]) for one in pod["spec"]["containers"] if one["name"] == NAME)
