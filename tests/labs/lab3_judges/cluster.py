"""The stand-in for the API of Kubernetes, from the check's side: scenes are set up, played at once, and read."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from labkit.checking.doors import Door
from labkit.checks import LabHandle, expect, fail
from mlops_lab.cluster.api import kubeconfig

PACE = 25.0
"""So many times faster does time run for the learner's code and for the stand-in."""
PATIENCE = 22.0
"""Real seconds that the calls of one group may take."""


@dataclass
class Scene:
    """One namespace, one call, and what came of it.

    Args:
        namespace: where it plays.
        script: what the stand-in is told (`mlops_lab.cluster.stage.Stage`).
        function: of `rollout.py`.
        image: the new one; "" where the function takes none.
        options: further arguments.
        connected: whether the two APIs of `connect` are the first arguments.
    """

    namespace: str
    script: dict[str, Any]
    function: str = "roll_out"
    image: str = ""
    options: dict[str, Any] = field(default_factory=dict)
    connected: bool = False
    told: dict[str, Any] = field(default_factory=dict)
    log: list[dict[str, Any]] = field(default_factory=list)
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)

    @property
    def doing(self) -> str:
        """The call, as the learner reads it."""
        return f"`{self.function}(…)`"

    def answer(self) -> Any:
        """What the call returned; fails where it raised or did not end."""
        if "raised" in self.told:
            fail(
                expected=f"{self.doing} returns what it did",
                found=f"it raised {self.told['raised']}: {str(self.told.get('message', ''))[:300]}",
                help="Whatever goes wrong in a rollout is an outcome of it. An exception leaves the cluster half done.",
            )
        if "answer" not in self.told:
            fail(
                expected=f"{self.doing} ends",
                found=f"it still runs, long after its `timeout`; its last calls: {', '.join(self.calls()[-4:])}",
                help="A deadline counts whether anything happens or not. A watch in which nothing happens is silent.",
            )
        return self.told["answer"]

    def rollout(self) -> dict[str, Any]:
        """The fields of the `Rollout` that the call returned."""
        answer = self.answer()
        names = ("image", "previous", "outcome", "reason", "steps")
        if not isinstance(answer, dict) or any(name not in answer for name in names):
            fail(expected=f"{self.doing} returns a `Rollout`", found=expect.shown(answer))
        return answer

    def calls(self) -> list[str]:
        """What was asked, in words."""
        return [str(line["what"]) for line in self.log if "what" in line]

    def writes(self) -> list[dict[str, Any]]:
        """The changes that were carried out, each with `was` and `set`."""
        return [line for line in self.log if line.get("what") == "write" and line.get("status") == 200]

    def image_now(self) -> str:
        """The image of the container at the end."""
        return image_of(self.after)


def image_of(deployment: Mapping[str, Any]) -> str:
    """The image of the container `ml-api`."""
    containers = deployment["spec"]["template"]["spec"]["containers"]
    return next(one["image"] for one in containers if one["name"] == "ml-api")


class Control:
    """The check's own way to the stand-in."""

    def __init__(self, door: Door) -> None:
        self._key = (door.state / "key").read_text(encoding="utf-8")
        self._where = urlsplit(door.url).netloc

    def ask(self, method: str, namespace: str, document: object = None) -> dict[str, Any]:
        """Set up a namespace, or look at it."""
        connection = http.client.HTTPConnection(self._where, timeout=20)
        try:
            body = json.dumps(document) if document is not None else None
            connection.request(method, f"/stage/{namespace}", body, {"X-Key": self._key})
            answer = connection.getresponse()
            found = json.loads(answer.read())
        finally:
            connection.close()
        if answer.status != 200:
            raise RuntimeError(f"the stand-in answers {answer.status}: {found}")
        return dict(found)


def play(lab: LabHandle, door: Door, scenes: Iterable[Scene]) -> None:
    """Play scenes at once, and fill in what came of them."""
    control = Control(door)
    scenes = list(scenes)
    lab.write_bytes("kubeconfig", kubeconfig(door.environment["KUBERNETES_STAND_IN"]).encode())
    for scene in scenes:
        control.ask("PUT", scene.namespace, {**scene.script, "pace": PACE})
        scene.before = control.ask("GET", scene.namespace)["deployment"]
    calls = [
        {
            "function": scene.function,
            "connected": scene.connected,
            "kwargs": {
                **({"image": scene.image} if scene.image else {}),
                "namespace": scene.namespace,
                **scene.options,
            },
        }
        for scene in scenes
    ]
    doing = "`roll_out(…)` in several namespaces at once"
    told = lab.make("mlops_probes.cluster:together", f"{lab._package}.rollout", calls, PACE, PATIENCE, doing=doing)
    for scene, one in zip(scenes, told, strict=True):
        found = control.ask("GET", scene.namespace)
        scene.told, scene.log, scene.after = dict(one), found["log"], found["deployment"]


Look = Callable[[str], dict[str, Any]]
